"""A trial on a Dask worker: a separate process trains it, and the worker returns the result.

Such a process has one thread, and only it imports numba. Dask's worker, which loads libraries in
its own order, never trains. A worker of Dask with N threads trains N trials at a time.
"""

import os
import selectors
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mnistlab.support import paths
from mnistlab.support.host import deciding_versions
from mnistlab.sweeps.claims import FolderFiles, new_claim, pack, recover, unpack
from mnistlab.sweeps.executors import (
    Advanced,
    Died,
    Fatal,
    Report,
    Task,
    TrialReport,
    Warned,
    WorkerProcess,
)

SECONDS_BETWEEN_LOOKS = 0.2
SECONDS_TO_SAVE = 10.0
SECONDS_IDLE = 30.0  # before an idle process is ended
ALIVE = ("running", "paused", "closing_gracefully")

_stopped: set[str] = set()  # sweeps, by their token, whose trials save a checkpoint and end


@dataclass(frozen=True)
class Sender:
    """What a Dask worker needs to know about the sweep's process."""

    token: str
    claims: Path  # the folder for claims, if the worker sees the sweep's folder
    data_dir: Path
    versions: dict[str, str | None]
    seconds_between_shares: float  # of the trial's progress


@dataclass(frozen=True)
class Returned(TrialReport):
    """Its worker has finished: the claim's folder or, on another disk, its files."""

    worker: str  # its address
    claim: str | None = None  # the folder's name, if the worker sees the sweep's folder
    files: FolderFiles | None = None


def topic(sweep: str) -> str:
    """The Dask topic of workers' progress messages."""
    return f"mnistlab-{sweep}"


def stop_sweep(sweep: str) -> None:
    """Make every trial of a sweep on this worker save a checkpoint and return."""
    _stopped.add(sweep)


def run_trial(task: Task, files: FolderFiles, sender: Sender) -> Report:
    """Train a trial, whose folder has `files`; Dask calls it in a thread of its worker.

    Returns Returned, Died or Fatal.
    """
    from distributed import get_worker

    worker = get_worker()
    if sender.token in _stopped:
        return Died(task.trial, f"before it began (on {worker.address})")
    if (mine := deciding_versions()) != sender.versions:
        differ = [k for k in mine if mine[k] != sender.versions.get(k)]
        told = ", ".join(f"{k} is {mine[k]}, the sweep's {sender.versions.get(k)}" for k in differ)
        return Fatal(
            f"a worker has other library versions: {told} (on the worker {worker.address})", 2
        )
    key = worker.get_current_task()

    def state() -> str:
        """Whether this trial should continue, stop and return, or is not wanted any more."""
        known = worker.state.tasks.get(key)
        if worker.status.name not in ALIVE or known is None or known.state == "cancelled":
            return "unwanted"
        return "stopped" if sender.token in _stopped else "wanted"

    def tell(message: dict[str, Any]) -> None:
        worker.log_event(topic(sender.token), message)

    with _claim(task, files, sender, Path(worker.local_directory)) as (folder, shared):
        report = _train(replace(task, run_dir=folder), sender, state, tell)
        if isinstance(report, Fatal):
            return replace(report, why=f"{report.why} (on the worker {worker.address})")
        if isinstance(report, Died):
            return replace(report, how=f"{report.how} (on {worker.address})")
        if state() == "unwanted":
            return Returned(task.trial, worker.address)
        if shared:
            return Returned(task.trial, worker.address, claim=folder.name)
        return Returned(task.trial, worker.address, files=pack(folder))


@contextmanager
def _claim(
    task: Task, files: FolderFiles, sender: Sender, scratch: Path
) -> Iterator[tuple[Path, bool]]:
    """A new folder with the trial's current state, and whether the sweep's process sees it too."""
    name = task.run_dir.name
    if (sender.claims / sender.token).is_file() and os.access(sender.claims, os.W_OK):
        folder = new_claim(sender.claims, name)
        unpack(files, folder)
        # Left by a worker that was lost with this trial.
        recover(sender.claims, name, folder)
        yield folder, True
        return
    parent = Path(tempfile.mkdtemp(prefix="mnistlab-", dir=scratch))
    try:
        folder = new_claim(parent, name)
        unpack(files, folder)
        yield folder, False
    finally:
        shutil.rmtree(parent)


def _train(
    task: Task, sender: Sender, state: Callable[[], str], tell: Callable[[dict[str, Any]], None]
) -> Report:
    """Let a process train a trial, until it has finished or must stop."""
    # The sweep's folder of datasets if this machine has it, else the worker's own.
    data_dir = sender.data_dir if sender.data_dir.is_dir() else paths.data_dir()
    process = IDLE_WORKERS.take(data_dir)
    process.give(task, check_id=True)
    told, stop_by = time.monotonic(), None
    with selectors.DefaultSelector() as selector:
        selector.register(process.channel.socket, selectors.EVENT_READ)
        while True:
            if stop_by is None and state() != "wanted":
                process.ask_to_stop()
                stop_by = time.monotonic() + SECONDS_TO_SAVE
            if stop_by is not None and time.monotonic() > stop_by:
                return Died(task.trial, process.close(kill=True))
            if not selector.select(SECONDS_BETWEEN_LOOKS):
                continue
            messages = process.channel.receive()
            if messages is None:
                return Died(task.trial, process.close(kill=False))
            for report in (one for message in messages for one in process.report(message)):
                if isinstance(report, Warned):
                    tell({"warning": report.text})
                elif not isinstance(report, Advanced):
                    IDLE_WORKERS.put_back(process, data_dir, again=stop_by is None)
                    return report
                elif time.monotonic() - told > sender.seconds_between_shares:
                    told = time.monotonic()
                    tell({"trial": task.trial, "share": report.share})


class IdleWorkers:
    """Processes that wait some time for the next trial: starting one takes a second or two."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Path, WorkerProcess, threading.Timer]] = []
        self._lock = threading.Lock()

    def take(self, data_dir: Path) -> WorkerProcess:
        """A free process, or a new one."""
        with self._lock:
            found = next((one for one in self._waiting if one[0] == data_dir), None)
            if found is not None:
                self._waiting.remove(found)
                found[2].cancel()
                return found[1]
        return WorkerProcess(data_dir)

    def put_back(self, process: WorkerProcess, data_dir: Path, *, again: bool) -> None:
        """Return a process that has finished its trial; it is ended unless `again`."""
        if not again or process.tasks:
            process.close(kill=True)
            return
        timer = threading.Timer(SECONDS_IDLE, self._retire, [process])
        timer.daemon = True
        with self._lock:
            self._waiting.append((data_dir, process, timer))
        timer.start()

    def _retire(self, process: WorkerProcess) -> None:
        with self._lock:
            found = next((one for one in self._waiting if one[1] is process), None)
            if found is None:
                return
            self._waiting.remove(found)
        process.close(kill=True)

    def close(self) -> None:
        """End all waiting processes."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        for _, process, timer in waiting:
            timer.cancel()
            process.close(kill=True)


IDLE_WORKERS = IdleWorkers()
