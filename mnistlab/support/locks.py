"""Locks between processes, let go by the system when their holder dies, however it dies."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path


@contextmanager
def file_lock(path: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[int]:
    """Holds an exclusive lock on the file, which is made and stays; waits for it.

    Gives the file's descriptor: a process that inherits it holds the lock, too, to its own end.
    `waiting` is called first where another process holds it. Raises OSError when the file cannot be
    made or its file system has no locks.
    """
    with _lock_file(path) as descriptor:
        if not try_to_lock(descriptor):
            waiting()
            wait_for_lock(descriptor)
        yield descriptor


def check_lockable(path: Path) -> None:
    """Raises OSError where `file_lock` would; waits for nobody."""
    with _lock_file(path) as descriptor:
        try_to_lock(descriptor)


@contextmanager
def folder_lock(folder: Path) -> Iterator[bool]:
    """Whether an exclusive lock on a folder that exists is held meanwhile; waits for nobody.

    Not held where another process holds it, and where its file system has no locks.
    """
    with opened(folder, os.O_RDONLY | os.O_DIRECTORY) as descriptor:
        try:
            held = try_to_lock(descriptor)
        except OSError:
            held = False
        yield held


def _lock_file(path: Path) -> AbstractContextManager[int]:
    path.parent.mkdir(parents=True, exist_ok=True)
    return opened(path, os.O_RDWR | os.O_CREAT)


@contextmanager
def opened(path: Path, flags: int, mode: int = 0o600) -> Iterator[int]:
    """The descriptor of a file or folder that is open meanwhile; no child process inherits it."""
    descriptor = os.open(path, flags, mode)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def try_to_lock(descriptor: int, *, shared: bool = False) -> bool:
    """Lock an open file or folder; False where another process holds it.

    Raises OSError where the file system has no locks.
    """
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def wait_for_lock(descriptor: int, *, shared: bool = False) -> None:
    """Lock an open file or folder, once nobody is in the way. Raises OSError as `try_to_lock`."""
    fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
