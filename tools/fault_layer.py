"""A file layer that fails at the k-th operation that changes a folder.

Everything that mnistlab writes goes through `open` and a few functions of `os`. `Faults` replaces
these inside its block, counts the operations within a folder, and at operation `at` ends the
process or makes the disk fail. A file's `write` is counted at the system call, below the buffers.
"""

import builtins
import errno
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

DEATHS = ("before", "after", "torn")  # torn: half of what is to be written, or before
FAILURES = ("ENOSPC", "EIO", "full")  # full: every later write fails, too
Fault = Literal["before", "after", "torn", "ENOSPC", "EIO", "full"]
DIED = 86  # the exit code of a process that a fault has killed

# Functions that take a path (or two: the last one changes), and those that take a descriptor.
BY_PATH = ("rename", "replace", "mkdir", "unlink", "rmdir", "symlink", "truncate")
BY_DESCRIPTOR = ("fsync", "ftruncate")
TAKES_ROOM = ("open", "write", "mkdir", "symlink")


class Faults:
    """Counts the operations within `folder`; at number `at`, from 0, `fault` happens.

    If `at` is None, nothing happens, and `operations` lists all operations.
    """

    def __init__(self, folder: Path, at: int | None = None, fault: Fault = "before") -> None:
        self.folder = os.path.realpath(folder)
        self.at = at
        self.fault = fault
        self.operations: list[str] = []

    def __enter__(self) -> "Faults":
        self.real = {name: getattr(os, name) for name in (*BY_PATH, *BY_DESCRIPTOR)}
        self.real_open = io.open
        for name in BY_PATH:
            setattr(os, name, self._by_path(name))
        for name in BY_DESCRIPTOR:
            setattr(os, name, self._by_descriptor(name))
        io.open = builtins.open = self._open
        return self

    def __exit__(self, *raised: object) -> None:
        io.open = builtins.open = self.real_open
        for name, function in self.real.items():
            setattr(os, name, function)

    def strike(
        self, name: str, path: str, act: Callable[[], Any], half: Callable[[], Any] | None = None
    ) -> Any:
        """Do an operation, unless it is the one that fails; `half` does a part of it."""
        number = len(self.operations)
        self.operations.append(f"{name} {Path(path).name}")
        if self.at is None or number < self.at:
            return act()
        if number == self.at:
            if self.fault in DEATHS:
                self._die(act if self.fault == "after" else half if self.fault == "torn" else None)
            if half is not None:
                half()
            self._fail()
        elif self.fault == "full" and name in TAKES_ROOM:
            self._fail()
        return act()

    def _die(self, last: Callable[[], Any] | None) -> None:
        try:
            if last is not None:
                last()
        finally:  # also if it failed by itself, as `mkdir` of an existing folder
            os._exit(DIED)

    def _fail(self) -> None:
        number = errno.EIO if self.fault == "EIO" else errno.ENOSPC
        raise OSError(number, os.strerror(number))

    def _is_within(self, path: str) -> bool:
        # The link itself is created or removed, so only its folder is resolved.
        return f"{os.path.realpath(Path(path).parent)}/".startswith(f"{self.folder}/")

    def _by_path(self, name: str) -> Callable[..., Any]:
        function = self.real[name]

        def call(*arguments: Any, **options: Any) -> Any:
            # `rmtree` names what it removes relative to a descriptor of its folder.
            folder = options.get("dir_fd")
            place = os.fspath(arguments[1 if name in ("rename", "replace", "symlink") else 0])
            if folder is not None:
                place = str(Path(f"/proc/self/fd/{folder}").readlink() / place)
            if not isinstance(place, str) or not self._is_within(place):
                return function(*arguments, **options)
            return self.strike(name, place, lambda: function(*arguments, **options))

        return call

    def _by_descriptor(self, name: str) -> Callable[..., Any]:
        function = self.real[name]

        def call(descriptor: int, *arguments: Any) -> Any:
            path = str(Path(f"/proc/self/fd/{descriptor}").readlink())
            if not f"{path}/".startswith(f"{self.folder}/"):
                return function(descriptor, *arguments)
            return self.strike(name, path, lambda: function(descriptor, *arguments))

        return call

    def _open(
        self, file: Any, mode: str = "r", buffering: int = -1, *text: Any, **more: Any
    ) -> Any:
        named = isinstance(file, str | os.PathLike) and self._is_within(os.fspath(file))
        if not named or not set(mode) & set("wxa+"):
            return self.real_open(file, mode, buffering, *text, **more)
        raw_mode = mode.replace("b", "").replace("t", "")
        raw = self.strike("open", os.fspath(file), lambda: _WatchedFile(file, raw_mode, self))
        if buffering == 0:
            return raw
        buffered = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, *text, **more)


class _WatchedFile(io.FileIO):
    def __init__(self, path: Any, mode: str, faults: Faults) -> None:
        super().__init__(path, mode)
        self.faults = faults

    def write(self, content: Any) -> int:
        whole = bytes(content)
        written = super().write
        return self.faults.strike(
            "write",
            os.fspath(self.name),
            lambda: written(whole),
            lambda: written(whole[: len(whole) // 2]),
        )
