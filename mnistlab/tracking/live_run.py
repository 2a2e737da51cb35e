"""Tracks a run while it trains."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from mnistlab.experiment.callbacks import RunCallback, Start
from mnistlab.experiment.run_options import RunOptions
from mnistlab.store.metrics import MetricsRow
from mnistlab.store.run_dir import RunDir
from mnistlab.store.tracked import write_tracked
from mnistlab.tracking.guard import SECONDS_BETWEEN_LOOKS, Attempts, Guarded, told_where
from mnistlab.tracking.run_follower import RunFollower


@contextmanager
def tracked_run(options: RunOptions, trackers: Sequence[str]) -> Iterator[RunOptions]:
    """Options of a run that is passed on to trackers; at the end of the block, when its figures are
    drawn, its end is passed on, too.
    """
    if not trackers:
        yield options
        return
    tracking = _Tracking(options, trackers)
    try:
        yield replace(options, callbacks=[*options.callbacks, tracking])
    finally:
        tracking.end()


class _Tracking(RunCallback):
    def __init__(self, options: RunOptions, trackers: Sequence[str]) -> None:
        self.options = options
        self.trackers = trackers
        self.attempt = Attempts()
        self.follower: RunFollower | None = None
        self._looked = time.monotonic()

    def on_start(self, start: Start) -> None:
        self.attempt(lambda: self._begin(start))

    def _begin(self, start: Start) -> None:
        runs_dir = start.run_dir.parent
        trackers = write_tracked(start.run_dir, self.trackers).trackers
        self.follower = RunFollower(RunDir(start.run_dir), Guarded(trackers, runs_dir))
        for text in told_where(trackers, runs_dir):
            self.options.tell(text)

    def on_row(self, row: MetricsRow) -> None:
        follower = self.follower
        if follower is not None and time.monotonic() - self._looked >= SECONDS_BETWEEN_LOOKS:
            self.attempt(follower.look)
            self._looked = time.monotonic()

    def end(self) -> None:
        """Pass on how the run ended."""
        if self.follower is not None:
            self.attempt(self.follower.end)
