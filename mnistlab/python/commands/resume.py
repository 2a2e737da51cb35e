"""Resume a run that has stopped."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mnistlab.experiment import runner
from mnistlab.experiment.callbacks import RunResult
from mnistlab.experiment.dataset import data_dir_of_run, load_data
from mnistlab.experiment.longer import has_other_length, with_length
from mnistlab.experiment.resume import (
    config_of,
    ended_result,
    history_of,
    refuse_changed_surroundings,
)
from mnistlab.experiment.run_options import RunOptions
from mnistlab.python.commands.train import draw, tracking
from mnistlab.store.drawing import remove_leftovers
from mnistlab.store.locks import only_process
from mnistlab.store.run_dir import open_run
from mnistlab.store.tracked import trackers_of


def resume(
    path: Path,
    options: RunOptions,
    *,
    values: Sequence[str] = (),
    force: bool = False,
    plots: bool = True,
) -> RunResult:
    """Resume a stopped run, with the same bits as an uninterrupted run.

    A run that has ended is not changed, except that missing figures and pages are drawn. `values`,
    `training.epochs=40` or `training.steps=N`, make a run longer, even one that has ended: it then
    has the bits of a run that had this length from the start. Raises ConfigError for wrong values.
    Raises UsageError if a longer run would have other first steps, if the configuration, the data,
    or (unless `force`) a library, a compiler setting or the processor has changed since, or if
    another process is training the run.
    """
    run_dir = open_run(path)
    history = history_of(run_dir, force)
    present = config_of(run_dir, history) if values else None
    config = with_length(run_dir, present, values) if present else None
    result = ended_result(run_dir, history) if config == present else None
    if result is None:
        config = config or config_of(run_dir, history)
        facts = history.facts if history is not None else None
        recorded = facts.data_dir if facts is not None else None
        folder = data_dir_of_run(config, recorded, options.data_dir, options.tell)
        options = replace(options, data_dir=folder)
        dataset = load_data(config, folder, options.data_progress)
        refuse_changed_surroundings(facts, dataset.sha256, force)
        new_length = has_other_length(run_dir, config)
        with tracking(options, trackers_of(run_dir.path)) as options:
            result = runner.resume(run_dir, config, dataset, history, options, new_length)
            if plots:
                draw(result, options)
        return result
    with only_process(run_dir):
        remove_leftovers(run_dir.path)
    if plots and not (run_dir.plots.exists() and run_dir.report.exists()):
        draw(result, options)
    return result
