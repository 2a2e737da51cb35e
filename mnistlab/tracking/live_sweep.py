"""Tracks a sweep while it trains.

The sweep's own process reads the folders of its trials; workers know nothing of it. A trial on
another machine is passed on when it has come back.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from mnistlab.store.sweep_dir import SweepDir
from mnistlab.store.tracked import write_tracked
from mnistlab.sweeps.results import TrialRow
from mnistlab.sweeps.sweep_callbacks import SweepCallback, SweepProgress
from mnistlab.sweeps.sweep_options import SweepOptions
from mnistlab.tracking.guard import SECONDS_BETWEEN_LOOKS, Attempts, Guarded, told_where
from mnistlab.tracking.sweep_follower import SweepFollower


@contextmanager
def tracked_sweep(options: SweepOptions, trackers: Sequence[str]) -> Iterator[SweepOptions]:
    """Options of a sweep whose trials are passed on to trackers; at the end of the block, when its
    figures are drawn, its end is passed on, too.
    """
    if not trackers:
        yield options
        return
    tracking = _Tracking(options, trackers)
    try:
        yield replace(options, callbacks=[*options.callbacks, tracking])
    finally:
        tracking.end()


class _Tracking(SweepCallback):
    def __init__(self, options: SweepOptions, trackers: Sequence[str]) -> None:
        self.options = options
        self.trackers = trackers
        self.attempt = Attempts()
        self.follower: SweepFollower | None = None
        self._looked = time.monotonic()

    def on_start(self, sweep_dir: Path) -> None:
        self.attempt(lambda: self._begin(sweep_dir))

    def _begin(self, sweep_dir: Path) -> None:
        trackers = write_tracked(sweep_dir, self.trackers).trackers
        receiver = Guarded(trackers, sweep_dir.parent)
        self.follower = SweepFollower(SweepDir(sweep_dir), receiver)
        for text in told_where(trackers, sweep_dir.parent):
            self.options.tell(text)

    def on_begin(self, row: TrialRow) -> None:
        follower = self.follower
        if follower is not None:
            self.attempt(lambda: follower.begin(row))

    def on_progress(self, progress: SweepProgress) -> None:
        follower = self.follower
        if follower is not None and time.monotonic() - self._looked >= SECONDS_BETWEEN_LOOKS:
            self.attempt(follower.look)
            self._looked = time.monotonic()

    def on_trial(self, row: TrialRow, took: float, progress: SweepProgress) -> None:
        follower = self.follower
        if follower is not None:
            self.attempt(lambda: follower.end_trial(row))

    def end(self) -> None:
        """Pass on the trials that were stopped, and the sweep's figures."""
        if self.follower is not None:
            self.attempt(self.follower.end)
