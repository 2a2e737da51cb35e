"""Resume a run that has stopped."""

from collections.abc import Sequence
from pathlib import Path

from mnistlab.experiment import runner
from mnistlab.experiment.callbacks import RunResult
from mnistlab.experiment.dataset import load_data
from mnistlab.experiment.longer import has_other_length, with_length
from mnistlab.experiment.resume import (
    config_of,
    ended_result,
    history_of,
    refuse_changed_surroundings,
)
from mnistlab.experiment.run_options import RunOptions
from mnistlab.python.commands.train import draw
from mnistlab.store.drawing import remove_leftovers
from mnistlab.store.locks import only_process
from mnistlab.store.run_dir import open_run


def resume(
    path: Path,
    options: RunOptions,
    *,
    values: Sequence[str] = (),
    force: bool = False,
    plots: bool = True,
) -> RunResult:
    """Resume a stopped run, with the same bits as an uninterrupted run.

    A run that has ended is left as it is, but drawn where it has no figures or no page. `values`,
    `training.epochs=40` or `training.steps=N`, make a run longer, also one that has ended: it then
    has the bits of one that had this length from the start. Raises ConfigError for values that are
    wrong, and UsageError where the run's first steps would be others in a longer run. Raises
    UsageError where the configuration, the data, or (unless `force`) a library, a setting of the
    compiler or the processor has changed since, or where another process is training the run.
    """
    run_dir = open_run(path)
    history = history_of(run_dir, force)
    present = config_of(run_dir, history) if values else None
    config = with_length(run_dir, present, values) if present else None
    result = ended_result(run_dir, history) if config == present else None
    if result is None:
        config = config or config_of(run_dir, history)
        dataset = load_data(config, options.data_dir, options.data_progress)
        facts = history.facts if history is not None else None
        refuse_changed_surroundings(facts, dataset.sha256, force)
        new_length = has_other_length(run_dir, config)
        result = runner.resume(run_dir, config, dataset, history, options, new_length)
    else:
        with only_process(run_dir):
            remove_leftovers(run_dir.path)
    is_drawn = run_dir.plots.exists() and run_dir.report.exists()
    if plots and not (result.already_ended and is_drawn):
        draw(result, options)
    return result
