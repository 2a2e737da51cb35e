"""Tracks a run while it trains."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from mnistlab.experiment.callbacks import RunCallback, Start
from mnistlab.experiment.run_options import RunOptions
from mnistlab.store.metrics import MetricsRow
from mnistlab.store.run_dir import RunDir
from mnistlab.tracking.live import Live
from mnistlab.tracking.run_follower import RunFollower


@contextmanager
def tracked_run(options: RunOptions, trackers: Sequence[str]) -> Iterator[RunOptions]:
    """Options of a run that is passed on to trackers; at the end of the block, when its figures are
    drawn, its end is passed on, too.
    """
    if not trackers:
        yield options
        return
    live = Live(
        trackers, options.tell, lambda folder, receiver: RunFollower(RunDir(folder), receiver)
    )
    try:
        yield replace(options, callbacks=[*options.callbacks, _Tracking(live)])
    finally:
        live.end()


class _Tracking(RunCallback):
    def __init__(self, live: Live[RunFollower]) -> None:
        self.live = live

    def on_start(self, start: Start) -> None:
        self.live.begin(start.run_dir)

    def on_row(self, row: MetricsRow) -> None:
        self.live.look()
