"""Locks between processes, let go by the system when their holder dies, however it dies."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def file_lock(path: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Holds an exclusive lock on the file, which is made and stays; waits for it.

    `waiting` is called first where another process holds it. Raises OSError when the file cannot be
    made or its file system has no locks.
    """
    with _opened(path) as descriptor:
        if not _try_to_lock(descriptor):
            waiting()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield


def check_lockable(path: Path) -> None:
    """Raises OSError where `file_lock` would; waits for nobody."""
    with _opened(path) as descriptor:
        _try_to_lock(descriptor)


@contextmanager
def folder_lock(folder: Path) -> Iterator[bool]:
    """Whether an exclusive lock on a folder that exists is held meanwhile; waits for nobody.

    Not held where another process holds it, and where its file system has no locks.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            held = _try_to_lock(descriptor)
        except OSError:
            held = False
        yield held
    finally:
        os.close(descriptor)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _try_to_lock(descriptor: int) -> bool:
    """False where another process holds it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
