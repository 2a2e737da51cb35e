"""Locks between processes; the system releases them when their holder ends, however it ends."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path


@contextmanager
def file_lock(path: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[int]:
    """Hold an exclusive lock on the file, which is created and kept; waits for it.

    Yields the file's descriptor: a process that inherits it also holds the lock, until it ends.
    `waiting` is called first if another process holds the lock. Raises OSError if the file cannot
    be created or its file system has no locks.
    """
    with _lock_file(path) as descriptor:
        if not try_to_lock(descriptor):
            waiting()
            wait_for_lock(descriptor)
        yield descriptor


def check_lockable(path: Path) -> None:
    """Raise OSError if `file_lock` would; does not wait."""
    with _lock_file(path) as descriptor:
        try_to_lock(descriptor)


@contextmanager
def folder_lock(folder: Path) -> Iterator[bool]:
    """Try to hold an exclusive lock on an existing folder; does not wait.

    Yields False if another process holds it, or if its file system has no locks.
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
    """The descriptor of a file or folder, open inside the block; child processes do
    not inherit it.
    """
    descriptor = os.open(path, flags, mode)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def try_to_lock(descriptor: int, *, shared: bool = False) -> bool:
    """Lock an open file or folder; False if another process holds it.

    Raises OSError if the file system has no locks.
    """
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def wait_for_lock(descriptor: int, *, shared: bool = False) -> None:
    """Lock an open file or folder as soon as possible. Raises OSError as `try_to_lock` does."""
    fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
