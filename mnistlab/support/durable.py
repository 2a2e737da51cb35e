"""Writes files atomically: to a temporary file, fsync, rename."""

import os
import re
import secrets
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Literal

from mnistlab.support.errors import UsageError
from mnistlab.support.platform import system
from mnistlab.support.safe_files import open_to_append, read_artefact

TEMPORARY_SUFFIX = ".tmp"
MAX_TEXT_BYTES = 1 << 30
# Names from `temporary_beside`; nothing else uses them.
TEMPORARY_NAME = re.compile(rf"\.(.+)\.\d+-[0-9a-f]{{8}}{re.escape(TEMPORARY_SUFFIX)}")


def write_file(
    path: Path,
    data: bytes | str,
    *,
    mode: int | None = None,
    on_disk: Literal["file", "content", "later"] = "file",
) -> None:
    """Write `data` (text as UTF-8) to `path`, so that a reader sees the old file or the new one.

    `mode`: its permissions; None: those of a new file. `on_disk` says what is waited for, which
    matters if the machine stops: "content" leaves the fsync of the folder, "later" also that of the
    file, to the caller, who must do it before anything relies on them. Raises OSError; the old file
    is then unchanged and no temporary file remains.
    """
    content = data.encode() if isinstance(data, str) else data
    temporary = temporary_beside(path)
    try:
        # Mode "xb" respects the umask; tempfile's files are readable by their owner only.
        with temporary.open("xb") as file:
            if mode is not None:
                temporary.chmod(mode)
            file.write(content)
            file.flush()
            if on_disk != "later":
                system.fsync(file.fileno())
        system.replace(temporary, path)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        _name(error, path)
        raise
    if on_disk == "file":
        fsync(path.parent)


def read_text(path: Path) -> str:
    """The text of a file, with any line ends; raises UsageError if it cannot be read."""
    try:
        return read_artefact(path, MAX_TEXT_BYTES).decode().replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: is not text: byte {error.start} is not UTF-8") from error


def append_lines(path: Path, lines: Iterable[str], *, fsync: bool = False) -> None:
    """Append complete lines (given without their ends) to a text file, all of them or none.

    Raises OSError; the file is then truncated to its former length.
    """
    content = "".join(f"{line}\n" for line in lines).encode()
    size = path.stat().st_size
    try:
        with open_to_append(path) as file:
            file.write(content)
            file.flush()
            if fsync:
                system.fsync(file.fileno())
    except UsageError:
        raise  # a link or a pipe: nothing was written
    except BaseException as error:
        with suppress(OSError):
            os.truncate(path, size)
        _name(error, path)
        raise


def _name(error: BaseException, path: Path) -> None:
    """Add the file's name to an error of the system; errors of write and fsync have none."""
    if isinstance(error, OSError):
        error.filename, error.filename2 = str(path), None


def fsync(path: Path) -> None:
    """Wait until a file's content, or a folder's list of names, is on disk.

    A rename is on disk only after an fsync of its folder.
    """
    system.fsync_path(path)


def temporary_beside(path: Path) -> Path:
    """A name in the folder of `path` that no other process uses."""
    return path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}{TEMPORARY_SUFFIX}")


def remove_temporaries(folder: Path, wanted: Callable[[str], bool] = lambda name: True) -> None:
    """Remove temporary files that killed writers of the files named `wanted` have left in a folder.

    Only the single writer of these files may call this.
    """
    for leftover in list(folder.glob(f".*{TEMPORARY_SUFFIX}")):
        named = TEMPORARY_NAME.fullmatch(leftover.name)
        if named and wanted(named[1]):
            leftover.unlink(missing_ok=True)
