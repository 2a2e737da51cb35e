"""Locks of runs and sweeps: one process works on each; the system releases a dead
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
from mnistlab.support.locks import is_locked, lock_if_possible
from mnistlab.support.platform import system
from mnistlab.support.safe_files import inside

MAX_HOLDER_BYTES = 1000


class RunInUseError(UsageError):
    """Another process is training the run."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"{folder}: another process is training this run; wait until it ends, or stop it by "
            "Ctrl-C there"
        )


@contextmanager
def only_process(run_dir: RunDir) -> Iterator[None]:
    """Lock the run's folder; the system releases the lock when this process ends, however it ends.

    Raises RunInUseError if another process holds it.
    """
    with system.folder_to_lock(run_dir.path) as descriptor:
        if not lock_if_possible(descriptor, run_dir.path):
            raise RunInUseError(run_dir.path)
        yield


@contextmanager
def only_sweeper(sweep_dir: SweepDir) -> Iterator[None]:
    """Lock the sweep's folder; the system releases the lock when this process ends.

    Raises UsageError that names the other process if one holds it.
    """
    with system.folder_to_lock(sweep_dir.path, inside(sweep_dir.lock)) as descriptor:
        if not lock_if_possible(descriptor, sweep_dir.path):
            holder = os.read(descriptor, MAX_HOLDER_BYTES).decode(errors="replace").strip()
            raise UsageError(
                f"{sweep_dir.path}: {holder or 'another process'} is working on this sweep"
            )
        os.ftruncate(descriptor, 0)
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        text = f"process {os.getpid()} on {socket.gethostname()} (since {now})\n"
        os.write(descriptor, text.encode())
        yield


def is_trained(run: Path) -> bool | None:
    """Whether a process is training a run; None if its file system has no locks."""
    return is_locked(run)


def is_worked_on(sweep_dir: SweepDir) -> bool | None:
    """Whether a process works on a sweep; None if its file system has no locks."""
    return is_locked(sweep_dir.path, sweep_dir.lock)
