"""Find a learning rate for a configuration by a range test."""

from collections.abc import Callable, Iterable
from pathlib import Path

from mnistlab.config import RunConfig
from mnistlab.config.written_value import write_learning_rate
from mnistlab.data import DownloadProgress
from mnistlab.experiment.rate_search import search_rates
from mnistlab.store.figure_file import figure_format, refuse_figure_file, write_figure_file
from mnistlab.support.errors import UsageError
from mnistlab.training.suggested_rate import RateRange

# Before the bar of the progress, and a line in its place.
TESTING_RATES = ("testing rates", "tested {done} of {total} steps")


def refuse_overrides(keys: Iterable[str]) -> None:
    """Raise UsageError if a rate that is written would be that of another configuration."""
    if names := ", ".join(keys):
        raise UsageError(
            "to write the rate: it would be that of another configuration than the file's; "
            f"set {names} in the file first"
        )


def lr_find(
    config: RunConfig,
    *,
    seeds: int,
    data_dir: Path,
    figure: Path | None = None,
    write_to: Path | None = None,
    threads: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    tell: Callable[[str], None] = lambda text: None,
    data_progress: DownloadProgress | None = None,
) -> RateRange:
    """Run a range test; draw it as `figure`, a png, svg or pdf; write the suggested rate into the
    configuration's file `write_to`.

    Raises as `train` does; UsageError, before the test, for a figure that would overwrite a file
    that mnistlab did not write; and after it if the file cannot be changed.
    """
    if seeds < 1:
        raise UsageError(f"seeds: found {seeds}, must be at least 1")
    if figure is not None:
        refuse_figure_file(figure)
    found = search_rates(
        config,
        seeds,
        data_dir=data_dir,
        threads=threads,
        progress=progress,
        tell=tell,
        data_progress=data_progress,
    )
    if figure is not None:
        from mnistlab.figures import style
        from mnistlab.figures.rate_range import rate_range

        drawn = rate_range(found, config.optimizer.lr, config.name)
        write_figure_file(figure, style.rendered(drawn, figure_format(figure)))
    if write_to is not None and found.suggested is not None:
        write_learning_rate(write_to, found.suggested, config)
    return found
