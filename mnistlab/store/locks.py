"""Locks of runs and sweeps: one process works on each; the kernel releases a dead
process's lock.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from mnistlab.store.run_dir import RunDir
from mnistlab.store.sweep_dir import SweepDir
from mnistlab.support.errors import UsageError
from mnistlab.support.locks import opened, try_to_lock
from mnistlab.support.safe_files import inside


class RunInUseError(UsageError):
    """Another process is training the run."""


@contextmanager
def only_process(run_dir: RunDir) -> Iterator[None]:
    """Lock the run's folder; the kernel releases the lock when this process ends, however it ends.

    Raises RunInUseError if another process holds it.
    """
    with opened(run_dir.path, os.O_RDONLY) as descriptor:
        if not try_to_lock(descriptor):
            raise RunInUseError(f"{run_dir.path}: another process is training this run")
        yield


@contextmanager
def only_sweeper(sweep_dir: SweepDir) -> Iterator[None]:
    """Lock the sweep's folder; the kernel releases the lock when this process ends.

    Raises UsageError that names the other process if one holds it.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
    with opened(inside(sweep_dir.lock), flags, 0o644) as descriptor:
        if not try_to_lock(descriptor):
            holder = os.pread(descriptor, 1000, 0).decode(errors="replace").strip()
            raise UsageError(
                f"{sweep_dir.path}: {holder or 'another process'} is working on this sweep"
            )
        os.ftruncate(descriptor, 0)
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        text = f"process {os.getpid()} on {socket.gethostname()} (since {now})\n"
        os.pwrite(descriptor, text.encode(), 0)
        yield


def is_held(path: Path) -> bool:
    """Whether a process holds the lock of a run's folder, or of a sweep's lock file.

    The check takes the lock for a moment, shared, so two checks do not see each other.
    """
    with opened(path, os.O_RDONLY | os.O_NONBLOCK) as descriptor:  # opening a pipe would block
        return not try_to_lock(descriptor, shared=True)
