"""Locks between processes; the system releases them when their holder ends, however it ends."""

import errno
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from mnistlab.support.platform import system

logger = logging.getLogger("mnistlab")

# What file systems without locks answer, such as some network drives.
NO_LOCKS = frozenset({errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK})


@contextmanager
def file_lock(path: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[int]:
    """Hold an exclusive lock on the file, which is created and kept; waits for it.

    Yields the file's descriptor, which `system.lending` lends to child processes. `waiting` is
    called first if another process holds the lock. Raises OSError if the file cannot be created or
    its file system has no locks.
    """
    with _lock_file(path) as descriptor:
        _wait_for(descriptor, waiting)
        yield descriptor


@contextmanager
def file_lock_if_possible(path: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[int]:
    """`file_lock`, for a file that other processes cannot open where its file system has no locks:
    there it is not locked.
    """
    with _lock_file(path) as descriptor:
        try:
            _wait_for(descriptor, waiting)
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
        yield descriptor


def _wait_for(descriptor: int, waiting: Callable[[], None]) -> None:
    if not system.lock(descriptor):
        waiting()
        system.lock(descriptor, wait=True)


def check_lockable(path: Path) -> None:
    """Raise OSError if `file_lock` would; does not wait."""
    with _lock_file(path) as descriptor:
        system.lock(descriptor)


@contextmanager
def _lock_file(path: Path) -> Iterator[int]:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | system.NO_WAIT, 0o600)
    try:
        yield descriptor
    finally:
        system.close(descriptor)


@contextmanager
def folder_lock(folder: Path) -> Iterator[bool]:
    """Try to hold an exclusive lock on an existing folder; does not wait.

    Yields False if another process holds it, or if its file system has no locks.
    """
    with system.folder_to_lock(folder) as descriptor:
        try:
            held = system.lock(descriptor)
        except OSError:
            held = False
        yield held


def lock_if_possible(descriptor: int, folder: Path, *, wait: bool = False) -> bool:
    """Lock a folder by the descriptor that stands for it; False if another process holds it.

    True, with a warning, if its file system has no locks: the work goes on without.
    """
    try:
        return system.lock(descriptor, wait=wait)
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        _warn_without_locks(_mount(folder), error.strerror)
        return True


def is_locked(folder: Path, file: Path | None = None) -> bool | None:
    """Whether a process holds the lock of a folder, or of `file` in it; None if its file system has
    no locks.

    The check takes the lock for a moment, shared, so two checks do not see each other.
    """
    try:
        with system.folder_to_lock(folder, file, create=False) as descriptor:
            return not system.lock(descriptor, shared=True)
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        return None


def _mount(folder: Path) -> Path:
    """The root of a folder's file system."""
    around = folder.absolute()
    return next(one for one in (around, *around.parents) if os.path.ismount(one))


@cache
def _warn_without_locks(mount: Path, why: str) -> None:
    """Warn once in a process. The same text from all workers of a sweep is shown once, too."""
    logger.warning(
        "%s: this file system has no locks (%s); do not work on a run or sweep there by two "
        "commands at once, because neither would notice the other",
        mount,
        why,
    )
