"""The options of a sweep that is watched on the terminal.

A module of its own, because a run needs nothing of sweeps and their statistics.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from mnistlab.support import paths
from mnistlab.sweeps.sweep_callbacks import SweepCallback
from mnistlab.sweeps.sweep_options import SweepOptions
from mnistlab.terminal.progress import watch_download
from mnistlab.terminal.sweep_progress import watch_sweep


@contextmanager
def sweep_options(
    data_dir: paths.PathLike | None,
    *,
    workers: int | None,
    scheduler: str | None = None,
    quiet: bool,
    callbacks: Sequence[SweepCallback] = (),
) -> Iterator[SweepOptions]:
    """The options of a sweep; its progress and downloads are shown until the block ends."""
    with watch_download(quiet=quiet) as data_progress, watch_sweep(quiet=quiet) as watcher:
        yield SweepOptions(
            data_dir=paths.data_dir(data_dir),
            workers=workers,
            scheduler=scheduler,
            callbacks=[watcher, *callbacks],
            argv=sys.argv,
            data_progress=data_progress,
        )
