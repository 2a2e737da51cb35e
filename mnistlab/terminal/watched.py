"""The options of a run that is watched on the terminal."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from mnistlab.experiment.callbacks import RunCallback
from mnistlab.experiment.run_options import RunOptions
from mnistlab.support import paths
from mnistlab.terminal.progress import watch_download, watch_run


@contextmanager
def run_options(
    data_dir: paths.PathLike | None,
    *,
    threads: int | None,
    quiet: bool,
    callbacks: Sequence[RunCallback] = (),
) -> Iterator[RunOptions]:
    """The options of a run; its progress and downloads are shown until the block ends."""
    with watch_download(quiet=quiet) as data_progress, watch_run(quiet=quiet) as watcher:
        yield RunOptions(
            data_dir=paths.data_dir(data_dir),
            threads=threads,
            callbacks=[watcher, *callbacks],
            argv=sys.argv,
            data_progress=data_progress,
        )
