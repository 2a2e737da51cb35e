"""Executors. An executor gives trials to workers and reports their progress. It does not know the
list of trials or their results: these are in the folders.
"""

import os
import selectors
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol, Self

from mnistlab.support.host import BLAS_THREADS
from mnistlab.support.own_python import own_python
from mnistlab.support.platform import system
from mnistlab.sweeps.channel import Channel

# A worker has one thread, even if a library requests more.
ONE_THREAD = dict.fromkeys(("NUMBA_NUM_THREADS", *BLAS_THREADS), "1")
START = """\
import sys
from mnistlab.sweeps.worker import main
main(int(sys.argv[1]), sys.argv[2])
"""
LAST_WORDS = 300  # characters of a dead worker's last output that are kept


@dataclass(frozen=True)
class Task:
    """A trial to run: its folder, which has its configuration, and that configuration."""

    trial: str  # its id
    run_dir: Path
    config: dict[str, Any]  # the resolved configuration
    argv: tuple[str, ...] = ()
    arithmetic: dict[str, Any] | None = None  # of the sweep's process
    prune: dict[str, Any] | None = None  # when it stops; see Watched.told


def told(task: Task, *, check_id: bool = False) -> dict[str, Any]:
    """The message to a worker for a task; `check_id`: the data must match the trial's id."""
    return {
        "trial": task.trial,
        "run_dir": str(task.run_dir),
        "config": task.config,
        "argv": task.argv,
        "expected": task.trial if check_id else None,
        "arithmetic": task.arithmetic,
        "prune": task.prune,
    }


@dataclass(frozen=True)
class Report:
    """An event."""


@dataclass(frozen=True)
class TrialReport(Report):
    """An event of one trial, by its id."""

    trial: str


@dataclass(frozen=True)
class Advanced(TrialReport):
    """The progress of a running trial: the completed share of its steps."""

    share: float


@dataclass(frozen=True)
class Ended(TrialReport):
    """Its worker has finished; its folder records how the trial ended."""


@dataclass(frozen=True)
class Busy(TrialReport):
    """Another process is training it."""


@dataclass(frozen=True)
class Died(TrialReport):
    """Its worker died, and how."""

    how: str


@dataclass(frozen=True)
class Fatal(Report):
    """No trial can be run any more, and why."""

    why: str
    exit_code: int


@dataclass(frozen=True)
class Warned(Report):
    """A warning for people."""

    text: str


class Executor(Protocol):
    """The interface to the workers. A context manager: at its end no worker remains."""

    workers: int
    trains_together: bool  # whether a worker accepts several tasks at once

    def __enter__(self) -> Self: ...

    def __exit__(self, *raised: Any) -> None: ...

    def start(self, count: int) -> None:
        """Prepare for this many tasks: a worker may need a second to start."""

    def has_room(self) -> bool:
        """Whether a worker is free."""

    def submit(self, *tasks: Task) -> None:
        """Give tasks to a free worker, which trains them together."""

    def reports(self, timeout: float) -> list[Report]:
        """New events; waits up to `timeout` seconds for one."""

    def stop(self) -> None:
        """Make every worker save a checkpoint and end; returns when they have ended."""


class LocalExecutor:
    """Worker processes on this machine, each with one thread; a dead one is replaced.

    They end with this process: each notices when its socket is closed, whatever the reason.
    """

    trains_together = True

    def __init__(self, workers: int, data_dir: Path) -> None:
        self.workers = workers
        self.data_dir = data_dir
        self._all: list[WorkerProcess] = []
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: Any) -> None:
        # Idle workers end by themselves; after an error nothing is waited for.
        for worker in self._all:
            worker.close(kill=raised[0] is not None or bool(worker.tasks))
        self._all.clear()
        self._selector.close()

    def start(self, count: int) -> None:
        while len(self._all) < min(count, self.workers):
            worker = WorkerProcess(self.data_dir)
            self._all.append(worker)
            self._selector.register(worker.channel.socket, selectors.EVENT_READ, worker)

    def has_room(self) -> bool:
        return len(self._all) < self.workers or any(not w.tasks for w in self._all)

    def submit(self, *tasks: Task) -> None:
        free = next((worker for worker in self._all if not worker.tasks), None)
        if free is None:
            self.start(len(self._all) + 1)
            free = self._all[-1]
        free.give(*tasks)

    def reports(self, timeout: float) -> list[Report]:
        found: list[Report] = []
        for key, _ in self._selector.select(timeout):
            worker: WorkerProcess = key.data
            messages = worker.channel.receive()
            if messages is None:
                found += self._bury(worker)
            else:
                found += [report for message in messages for report in worker.report(message)]
        return found

    def stop(self) -> None:
        for worker in self._all:
            worker.ask_to_stop()
        while self._all:
            self.reports(0.1)

    def _bury(self, worker: "WorkerProcess") -> Iterator[Report]:
        self._selector.unregister(worker.channel.socket)
        self._all.remove(worker)
        how = worker.close(kill=False)
        for trial in worker.tasks:
            yield Died(trial, how)


class WorkerProcess:
    """One worker process, and its tasks, by trial."""

    def __init__(self, data_dir: Path) -> None:
        ours, theirs = socket.socketpair()
        # Its output goes to a file, so that no process has to read it while it runs.
        self.said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        with theirs:
            self.process = subprocess.Popen(
                own_python(START, str(theirs.fileno()), str(data_dir)),
                env={**os.environ, **ONE_THREAD},
                stdin=subprocess.DEVNULL,
                stdout=self.said,
                stderr=self.said,
                **system.inheriting(theirs),
                **system.OWN_GROUP,  # Ctrl-C goes to the sweep, which tells its workers
            )
        self.channel = Channel(ours)
        self.tasks: dict[str, Task] = {}

    def give(self, *tasks: Task, check_id: bool = False) -> None:
        """Send tasks to run; `check_id`: only if the data match the trials' ids."""
        self.tasks = {task.trial: task for task in tasks}
        self.channel.send(tasks=[told(task, check_id=check_id) for task in tasks])

    def report(self, message: dict[str, Any]) -> Iterator[Report]:
        if "warning" in message:
            yield Warned(message["warning"])
        elif "fatal" in message:
            yield Fatal(message["fatal"], message["exit_code"])
        elif (trial := message["trial"]) in self.tasks and "share" in message:
            yield Advanced(trial, message["share"])
        elif trial in self.tasks:
            del self.tasks[trial]
            yield Busy(trial) if "busy" in message else Ended(trial)

    def ask_to_stop(self) -> None:
        self.channel.send(stop=True)

    def close(self, *, kill: bool) -> str:
        """Close the socket, wait for the process's end, and return how it ended."""
        self.channel.close()
        if kill:
            self.process.kill()
        code = self.process.wait()
        with self.said:
            self.said.seek(0)
            words = self.said.read().decode(errors="replace").strip()
        how = f"by {_signal_name(-code)}" if code < 0 else f"with exit code {code}"
        last = " ".join(words[-LAST_WORDS:].split())
        return f"{how}: {last}" if last else how


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
