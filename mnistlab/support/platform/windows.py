"""Windows. Written from its documentation; it has not run there yet.

Windows opens no folders, forbids to rename or remove a file that any process has open, and a folder
with such a file in it. Its locks belong to ranges of bytes, and other processes cannot read locked
bytes.
"""

import errno
import msvcrt
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from socket import socket

assert sys.platform == "win32" or not TYPE_CHECKING  # elsewhere, mypy skips the rest

T = TypeVar("T")

# For os.open: no translation of line ends, and let no child process inherit the file.
NO_WAIT = os.O_BINARY | os.O_NOINHERIT
# A closed console, a logout and Ctrl-Break arrive as SIGBREAK.
STOPPING_SIGNALS = ("SIGINT", "SIGTERM", "SIGBREAK")
# Arguments of Popen: Ctrl-C goes to this process only, which ends the other.
OWN_GROUP: dict[str, Any] = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
# A lock belongs to one process. So helpers, which must not outlive the lock, cannot be used.
LOCKS_CAN_BE_LENT = False
# SO_REUSEADDR would let two programs share a port.
PORTS_WAIT = False
# Virus scanners and readers have files open for a moment.
SECONDS_TO_RETRY, SECONDS_BETWEEN_TRIES = 3.0, 0.02
# Locked bytes: beyond the content, so that it can be read. An exclusive lock takes all of them, a
# shared one any free one.
FIRST_BYTE, HOLDERS = 1 << 30, 1024
_locked: dict[int, tuple[int, int]] = {}  # by descriptor: the first of its locked bytes, and number


# --- files


def _retried(action: Callable[[], T]) -> T:
    """The result of an action that fails while another process has a file open."""
    until = time.monotonic() + SECONDS_TO_RETRY
    while True:
        try:
            return action()
        except PermissionError:
            if time.monotonic() > until:
                raise
        time.sleep(SECONDS_BETWEEN_TRIES)


def open_without_links(path: Path, flags: int, mode: int) -> int:
    """`os.open`; OSError with errno ELOOP if `path` is a link."""
    if path.is_symlink():
        raise OSError(errno.ELOOP, "is a link", str(path))
    return os.open(path, flags, mode)


def replace(source: Path, target: Path) -> None:
    """Give a file the name of another, which it replaces."""
    _retried(lambda: os.replace(source, target))  # noqa: PTH105 - the name that says what it does


def rename(source: Path, target: Path) -> Path:
    """Rename a folder to a free name."""
    return _retried(lambda: source.rename(target))


def fsync(descriptor: int) -> None:
    """Wait until the content of a file that is open for writing is on disk."""
    os.fsync(descriptor)


def fsync_path(path: Path) -> None:
    """Wait until a file's content is on disk. NTFS itself keeps renames in a journal."""
    if path.is_dir():
        return
    descriptor = os.open(path, os.O_RDWR | NO_WAIT)
    try:
        fsync(descriptor)
    finally:
        os.close(descriptor)


def distrust(status: os.stat_result) -> str | None:
    """None: a user's folders are closed to others, and the status does not tell."""
    return None


# --- locks


def lock(descriptor: int, *, shared: bool = False, wait: bool = False) -> bool:
    """Lock an open file; False if another process holds it. A held lock is converted.

    The system releases the lock when its process ends. Raises OSError if the file system has no
    locks.
    """
    _unlock(descriptor)
    ranges = [(n, 1) for n in range(HOLDERS)] if shared else [(0, HOLDERS)]
    while True:
        for first, count in ranges:
            if _change_lock(descriptor, msvcrt.LK_NBLCK, first, count):
                _locked[descriptor] = first, count
                return True
        if not wait:
            return False
        time.sleep(SECONDS_BETWEEN_TRIES)


def _change_lock(descriptor: int, mode: int, first: int, count: int) -> bool:
    """Lock or unlock bytes; False if another process has locked one of them."""
    position = os.lseek(descriptor, 0, os.SEEK_CUR)
    os.lseek(descriptor, FIRST_BYTE + first, os.SEEK_SET)
    try:
        msvcrt.locking(descriptor, mode, count)
    except PermissionError:
        return False
    finally:
        os.lseek(descriptor, position, os.SEEK_SET)
    return True


def _unlock(descriptor: int) -> None:
    if descriptor in _locked:
        _change_lock(descriptor, msvcrt.LK_UNLCK, *_locked.pop(descriptor))


def close(descriptor: int) -> None:
    """Close a file that may be locked."""
    _unlock(descriptor)
    os.close(descriptor)


@contextmanager
def folder_to_lock(folder: Path, file: Path | None = None, *, create: bool = True) -> Iterator[int]:
    """A descriptor that stands for a folder in `lock`, open inside the block.

    It is of a file beside the folder, whose text others can read meanwhile: an open `file` in the
    folder would keep it from being renamed. Without `create`, FileNotFoundError says that there is
    no such file, so that nobody holds the lock.
    """
    if not folder.is_dir():
        raise FileNotFoundError(errno.ENOENT, "no such folder", str(folder))
    # No run's name has a tilde, and what begins with a dot is no run.
    path = folder.parent / f".{folder.name}~lock"
    flags = os.O_RDWR | NO_WAIT | (os.O_CREAT if create else 0)
    descriptor = _retried(lambda: os.open(path, flags, 0o600))
    try:
        yield descriptor
    finally:
        close(descriptor)
        # Windows removes no file that another process has open, and so no lock that it holds.
        with suppress(OSError):
            path.unlink()


# --- processes


def inheriting(end: "socket") -> dict[str, Any]:
    """Arguments of Popen: the process inherits the socket, under the same number."""
    end.set_inheritable(True)
    return {
        "startupinfo": subprocess.STARTUPINFO(lpAttributeList={"handle_list": [end.fileno()]}),
    }


def lending(descriptor: int) -> dict[str, Any]:
    """Not possible: a lock belongs to one process. See LOCKS_CAN_BE_LENT."""
    raise NotImplementedError("locks cannot be lent on Windows")


def stop_this_process() -> None:
    """Do what SIGTERM from another process does on POSIX; callable from any thread."""
    signal.raise_signal(signal.SIGTERM)


def run_beside(work: Callable[[], T]) -> tuple[Callable[[], T], int | None]:
    """Do a piece of work at once: Windows has no forks. Returns a function for its result."""
    result = work()
    return lambda: result, None


def be_ended_first() -> None:
    """Nothing: Windows ends no process when memory runs out."""


# --- the machine


def has_screen() -> bool:
    """Whether a browser can be opened on a screen."""
    return True


def available_cpus() -> int:
    """The number of processors of this machine."""
    return os.cpu_count() or 1


def processor_name() -> str:
    """The processor's model; at least its architecture."""
    return platform.processor() or platform.machine()


def l2_cache() -> int | None:
    """None: no simple call of Windows tells it."""
    return None


def free_memory(root: Path) -> int | None:
    """Bytes that are free on this machine."""
    import psutil

    return int(psutil.virtual_memory().available)


def address_space_limit() -> int | None:
    """None: Windows has no such limit."""
    return None
