"""Train a configuration into a new run."""

from pathlib import Path

from mnistlab.config import RunConfig
from mnistlab.experiment import runner
from mnistlab.experiment.callbacks import RunResult
from mnistlab.experiment.dataset import load_data, located
from mnistlab.experiment.run_options import RunOptions
from mnistlab.store.status import Status
from mnistlab.support.errors import UsageError


def train(
    config: RunConfig, runs_dir: Path, options: RunOptions, *, plots: bool = True
) -> RunResult:
    """Train one configuration into a new run folder, and draw its figures unless `plots` is false.

    Raises DataError, UsageError, ConfigError before there is a folder; a run that diverges returns,
    with advice.
    """
    dataset = load_data(config, options.data_dir, options.data_progress)
    with located(config):
        result = runner.run(config, dataset, runs_dir, options)
    if plots:
        draw(result, options)
    return result


def draw(result: RunResult, options: RunOptions) -> None:
    """Draw what is quickly drawn of a run that has ended; what can't be is no failure of it."""
    from mnistlab.figures.gallery import QUICK
    from mnistlab.python.commands.visualize import visualize

    if result.status is Status.INTERRUPTED:
        return
    try:
        drawn = visualize(
            result.run_dir, only=QUICK, data_dir=options.data_dir, threads=options.threads
        )
        told = [f"{left_out.name}: left out: {left_out.why}" for left_out in drawn.left_out]
    except UsageError as error:  # what stands in the figures' places is not ours
        told = list(error.messages)
    for text in told:
        for callback in options.callbacks:
            callback.on_message(text)
