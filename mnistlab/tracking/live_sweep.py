"""Tracks a sweep while it trains.

The sweep's own process reads the folders of its trials; workers know nothing of it. A trial on
another machine is passed on when it has come back.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from mnistlab.store.sweep_dir import SweepDir
from mnistlab.sweeps.results import TrialRow
from mnistlab.sweeps.sweep_callbacks import SweepCallback, SweepProgress
from mnistlab.sweeps.sweep_options import SweepOptions
from mnistlab.tracking.live import Live
from mnistlab.tracking.sweep_follower import SweepFollower


@contextmanager
def tracked_sweep(options: SweepOptions, trackers: Sequence[str]) -> Iterator[SweepOptions]:
    """Options of a sweep whose trials are passed on to trackers; at the end of the block, when its
    figures are drawn, its trials that were stopped and its figures are passed on, too.
    """
    if not trackers:
        yield options
        return
    live = Live(
        trackers, options.tell, lambda folder, receiver: SweepFollower(SweepDir(folder), receiver)
    )
    try:
        yield replace(options, callbacks=[*options.callbacks, _Tracking(live)])
    finally:
        live.end()


class _Tracking(SweepCallback):
    def __init__(self, live: Live[SweepFollower]) -> None:
        self.live = live

    def on_start(self, sweep_dir: Path) -> None:
        self.live.begin(sweep_dir)

    def on_begin(self, row: TrialRow) -> None:
        self.live.pass_on(lambda follower: follower.begin(row))

    def on_progress(self, progress: SweepProgress) -> None:
        self.live.look()

    def on_trial(self, row: TrialRow, took: float, progress: SweepProgress) -> None:
        self.live.pass_on(lambda follower: follower.end_trial(row))
