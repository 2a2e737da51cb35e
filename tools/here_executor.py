"""Runs sweeps without worker processes: one death ends all, and nothing waits for a process."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mnistlab.sweeps import executors, sweep_run
from mnistlab.sweeps.run_trial import TrialRunner


class HereExecutor(executors.LocalExecutor):
    """Runs a sweep's trials in the sweep's own process, one after the other."""

    trains_together = False

    def __init__(self, workers: int, data_dir: Path) -> None:
        self.workers = 1
        self.runner = TrialRunner(data_dir, self)  # type: ignore[arg-type]
        self.found: list[executors.Report] = []

    def __enter__(self) -> "HereExecutor":
        return self

    def __exit__(self, *raised: object) -> None: ...

    def start(self, count: int) -> None: ...

    def stop(self) -> None: ...

    def has_room(self) -> bool:
        return not self.found

    def submit(self, *tasks: executors.Task) -> None:
        self.runner.run([executors.told(task) for task in tasks])

    def send(self, **message: Any) -> None:
        """The messages that a worker would send through its socket."""
        if "fatal" in message:
            self.found.append(executors.Fatal(message["fatal"], message["exit_code"]))
        elif "ended" in message:
            self.found.append(executors.Ended(message["trial"]))

    def reports(self, timeout: float) -> list[executors.Report]:
        found, self.found = self.found, []
        return found


@contextmanager
def trials_in_this_process() -> Iterator[None]:
    """Sweeps started inside the block run their trials in this process, one after the other."""
    real = sweep_run.LocalExecutor
    sweep_run.LocalExecutor = HereExecutor  # type: ignore[misc]
    try:
        yield
    finally:
        sweep_run.LocalExecutor = real  # type: ignore[misc]
