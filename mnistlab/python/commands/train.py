"""Train a configuration into a new run."""

from collections.abc import Sequence
from pathlib import Path

from mnistlab.config import RunConfig
from mnistlab.data import Progress
from mnistlab.experiment.callbacks import Callback, RunResult
from mnistlab.experiment.dataset import load_data, located
from mnistlab.experiment.runner import run
from mnistlab.store.status import Status
from mnistlab.support.errors import UsageError


def train(
    config: RunConfig,
    *,
    runs_dir: Path,
    data_dir: Path,
    threads: int | None = None,
    plots: bool = True,
    callbacks: Sequence[Callback] = (),
    argv: Sequence[str] = (),
    data_progress: Progress | None = None,
) -> RunResult:
    """Train one configuration into a new run folder.

    `threads`: None for as many as there are processors. Raises DataError, UsageError, ConfigError
    before there is a folder; a run that diverges returns, with advice.
    """
    dataset = load_data(config, data_dir, data_progress)
    with located(config):
        result = run(
            config, dataset, runs_dir=runs_dir, threads=threads, callbacks=callbacks, argv=argv
        )
    if plots:
        draw(result, callbacks, data_dir, threads)
    return result


def draw(
    result: RunResult, callbacks: Sequence[Callback], data_dir: Path, threads: int | None
) -> None:
    """Draw what is quickly drawn of a run that has ended; what can't be is no failure of it."""
    from mnistlab.figures.gallery import QUICK
    from mnistlab.python.commands.visualize import visualize

    if result.status is Status.INTERRUPTED:
        return
    try:
        drawn = visualize(result.run_dir, only=QUICK, data_dir=data_dir, threads=threads)
        told = [f"{left_out.name}: left out: {left_out.why}" for left_out in drawn.left_out]
    except UsageError as error:  # what stands in the figures' places is not ours
        told = list(error.messages)
    for text in told:
        for callback in callbacks:
            callback.on_message(text)
