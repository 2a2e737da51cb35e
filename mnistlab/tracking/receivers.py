"""Who is told of runs."""

from collections.abc import Callable
from typing import Protocol

from mnistlab.tracking.tracker import Log, Store, TrackedRun

Act = Callable[[Log], None]


class Receiver(Protocol):
    """Whoever receives the news of runs."""

    def tell(self, run: TrackedRun, act: Act) -> None:
        """Let `act` write to the run's log."""

    def forget(self, run: TrackedRun) -> None:
        """Nothing more will be written about the run for now."""


class Stored:
    """A tracker's store. A run is opened when there is first something to write."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._logs: dict[str, Log] = {}

    def tell(self, run: TrackedRun, act: Act) -> None:
        if run.name not in self._logs:
            self._logs[run.name] = self.store.open(run)
        act(self._logs[run.name])

    def forget(self, run: TrackedRun) -> None:
        self._logs.pop(run.name, None)
