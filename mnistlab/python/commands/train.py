"""Train a configuration into a new run."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from mnistlab.config import RunConfig
from mnistlab.experiment import runner
from mnistlab.experiment.callbacks import RunResult
from mnistlab.experiment.dataset import load_data, located
from mnistlab.experiment.run_options import RunOptions
from mnistlab.python.commands.figures_at_end import FiguresAtEnd, figures_at_end
from mnistlab.store.status import Status


def train(
    config: RunConfig,
    runs_dir: Path,
    options: RunOptions,
    *,
    plots: bool = True,
    figures: FiguresAtEnd = figures_at_end,
    track: Sequence[str] = (),
) -> RunResult:
    """Train one configuration into a new run folder, and draw its figures unless `plots` is false.
    `track` are the names of trackers that it is passed on to.

    Raises DataError, UsageError or ConfigError before there is a folder. A run that diverges is
    returned with advice.
    """
    dataset = load_data(config, options.data_dir, options.data_progress)
    with tracking(options, track) as options:
        with located(config):
            result = runner.run(config, dataset, runs_dir, options)
        if plots:
            draw(result, options, figures)
    return result


def tracking(options: RunOptions, trackers: Sequence[str]) -> AbstractContextManager[RunOptions]:
    """The options of a run that is passed on to trackers, if any are named."""
    if not trackers:
        return nullcontext(options)
    from mnistlab.tracking.live_run import tracked_run

    return tracked_run(options, trackers)


def draw(result: RunResult, options: RunOptions, figures: FiguresAtEnd = figures_at_end) -> None:
    """Draw the figures of a run that has ended, and report those that were left out."""
    if result.status is Status.INTERRUPTED:
        return
    for text in figures(result.run_dir, options.data_dir, options.threads):
        for callback in options.callbacks:
            callback.on_message(text)
