"""Which entries of the cache folder are in use, so that none of them is removed.

An entry is a folder of compiled kernels or of a decoded dataset. Its lock is a file that stays, in
the cache's folder `locks`, so that an entry can be removed and made again under the same lock. The
time of that file is that of the last use.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mnistlab.support.paths import cache_dir
from mnistlab.support.platform import system


def use_lock(entry: Path) -> Path:
    """The lock file of an entry's use."""
    return cache_dir() / "locks" / f"use-{entry.parent.name}-{entry.name}.lock"


def hold(entry: Path) -> int:
    """Let no process remove an entry until `system.close` closes the descriptor that is returned,
    or this process ends. Waits for a process that removes the entry now.

    Raises OSError if the lock file cannot be made or its file system has no locks.
    """
    path = use_lock(entry)
    descriptor = _opened(path)
    try:
        system.lock(descriptor, shared=True, wait=True)
        os.utime(path)
    except BaseException:
        system.close(descriptor)
        raise
    return descriptor


@contextmanager
def unused(entry: Path) -> Iterator[bool]:
    """Whether no process uses an entry; then none begins to inside the block.

    The time of the last use stays: an entry without a lock file was last used when it was written.
    """
    path = use_lock(entry)
    written = None if path.exists() else entry.stat().st_mtime_ns
    descriptor = _opened(path)
    try:
        is_unused = system.lock(descriptor)
        if is_unused and written is not None:
            os.utime(path, ns=(written, written))
        yield is_unused
    finally:
        system.close(descriptor)


def _opened(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.open(path, os.O_RDWR | os.O_CREAT | system.NO_WAIT, 0o600)
