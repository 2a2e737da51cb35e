"""Linux, macOS and other POSIX systems."""

import fcntl
import os
import platform
import resource
import signal
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mnistlab.support.platform.kernel_files import number_after, text_of

if TYPE_CHECKING:
    from socket import socket

assert sys.platform != "win32" or not TYPE_CHECKING  # on Windows, mypy skips the rest

T = TypeVar("T")

# For os.open: do not wait for the other end of a pipe, and let no child process inherit the file.
NO_WAIT = os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
# A closed terminal sends SIGHUP.
STOPPING_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
# Arguments of Popen: Ctrl-C goes to this process only, which ends the other.
OWN_GROUP: dict[str, Any] = {"process_group": 0}
# Child processes can hold this process's locks until they end.
LOCKS_CAN_BE_LENT = True
# A port waits for late packets after its server has ended, unless SO_REUSEADDR is set.
PORTS_WAIT = True
SYSCTL_SECONDS = 2.0


# --- files


def open_without_links(path: Path, flags: int, mode: int) -> int:
    """`os.open`; OSError with errno ELOOP if `path` is a link."""
    return os.open(path, flags | os.O_NOFOLLOW, mode)


def replace(source: Path, target: Path) -> None:
    """Give a file the name of another, which it replaces."""
    os.replace(source, target)  # noqa: PTH105 - the name that says what it does


def rename(source: Path, target: Path) -> Path:
    """Rename a folder to a free name."""
    return source.rename(target)


def fsync(descriptor: int) -> None:
    """Wait until an open file's content, or an open folder's list of names, is on disk."""
    if sys.platform == "darwin":
        # There, fsync only passes the data on to the drive. File systems without this command,
        # such as network drives, refuse it.
        with suppress(OSError):
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            return
    os.fsync(descriptor)


def fsync_path(path: Path) -> None:
    """Wait until a file's content, or a folder's list of names, is on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fsync(descriptor)
    finally:
        os.close(descriptor)


def distrust(status: os.stat_result) -> str | None:
    """Why other users may have written a file or folder with this status; None if they cannot."""
    if status.st_uid not in (os.geteuid(), 0):
        return "belongs to another user"
    if stat.S_IMODE(status.st_mode) & (stat.S_IWGRP | stat.S_IWOTH):
        return "can be written to by other users"
    return None


# --- locks


def lock(descriptor: int, *, shared: bool = False, wait: bool = False) -> bool:
    """Lock an open file; False if another process holds it. A held lock is converted.

    The system releases the lock when the descriptor is closed, or when its last holder has ended.
    Raises OSError if the file system has no locks.
    """
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(descriptor, kind if wait else kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def close(descriptor: int) -> None:
    """Close a file that may be locked."""
    os.close(descriptor)


@contextmanager
def folder_to_lock(folder: Path, file: Path | None = None, *, create: bool = True) -> Iterator[int]:
    """A descriptor that stands for a folder in `lock`, open inside the block.

    It is of the folder itself, or of `file` in it, whose text others can read meanwhile. Without
    `create`, FileNotFoundError says that there is no such file, so that nobody holds the lock.
    """
    if file is None or not create:
        # A pipe in the place of a folder would block.
        descriptor = os.open(file or folder, os.O_RDONLY | NO_WAIT)
    else:
        descriptor = open_without_links(file, os.O_RDWR | os.O_CREAT | NO_WAIT, 0o644)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


# --- processes


def inheriting(end: "socket") -> dict[str, Any]:
    """Arguments of Popen: the process inherits the socket, under the same number."""
    return {"pass_fds": [end.fileno()]}


def lending(descriptor: int) -> dict[str, Any]:
    """Arguments of Popen: the process holds the lock of this descriptor, too, until it ends."""
    return {"pass_fds": [descriptor]}


def stop_this_process() -> None:
    """Do what SIGTERM from another process does; callable from any thread."""
    os.kill(os.getpid(), signal.SIGTERM)


def run_beside(work: Callable[[], T]) -> tuple[Callable[[], T], int | None]:
    """Do a piece of work, which needs no other thread, in a fork of this process.

    Returns a function that waits for its result, to be called once, and a file descriptor that can
    be read as soon as there is one. If the fork fails, the work is repeated here.
    """
    import pickle
    import warnings

    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of other threads, from Python 3.12 on
        pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(reading)  # else it would wait for ever to write to a process that has died
            result = work()
            with os.fdopen(writing, "wb") as pipe:
                pickle.dump(result, pipe)
            code = 0
        finally:
            os._exit(code)  # no cleanup of what the fork has inherited, and no traceback
    os.close(writing)

    def wait() -> T:
        with os.fdopen(reading, "rb") as pipe:
            answer = pipe.read()
        if os.waitpid(pid, 0)[1] != 0:
            return work()
        result: T = pickle.loads(answer)
        return result

    return wait, reading


def be_ended_first() -> None:
    """If memory runs out, let the system end this process before others."""
    score = Path("/proc/self/oom_score_adj")
    if score.exists():
        score.write_text("800", encoding="utf-8")


# --- the machine


def has_screen() -> bool:
    """Whether a browser can be opened on a screen."""
    if sys.platform == "linux":
        return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
    else:
        return True


def available_cpus() -> int:
    """The number of processors that this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    else:
        return os.cpu_count() or 1


def processor_name() -> str:
    """The processor's model; at least its architecture."""
    named = _linux_processor(text_of(Path("/proc/cpuinfo"))) or _macos_processor()
    return named or platform.processor() or platform.machine()


def _linux_processor(cpuinfo: str) -> str | None:
    pairs = (line.partition(":") for line in cpuinfo.splitlines())
    fields = {name.strip(): value.strip() for name, _, value in pairs}
    if model := fields.get("model name") or fields.get("Model"):
        return model
    # Many kernels for ARM name only the numbers.
    numbers = fields.get("CPU implementer"), fields.get("CPU part")
    if None in numbers:
        return None
    return f"{platform.machine()}, implementer {numbers[0]}, part {numbers[1]}"


def _macos_processor() -> str | None:
    """The answer of macOS's sysctl; None on other systems."""
    if sys.platform == "darwin":
        import subprocess

        command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
        with suppress(OSError, subprocess.SubprocessError):
            done = subprocess.run(command, capture_output=True, check=True, timeout=SYSCTL_SECONDS)
            return done.stdout.decode().strip()
    return None


def l2_cache() -> int | None:
    """The bytes of a processor's second-level cache; None if unknown."""
    name = "SC_LEVEL2_CACHE_SIZE"  # known to glibc alone, which answers 0 on some machines
    return (os.sysconf(name) or None) if name in os.sysconf_names else None


def free_memory(root: Path) -> int | None:
    """Bytes that are free on this machine; None if unknown. `root` has the system's `proc`."""
    if sys.platform == "linux":
        free = number_after(root / "proc/meminfo", "MemAvailable:")
        return None if free is None else free * 1024
    else:
        import psutil

        return int(psutil.virtual_memory().available)


def address_space_limit() -> int | None:
    """The most bytes of address space for this process (`ulimit -v`); None without a limit."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if limit == resource.RLIM_INFINITY else limit
