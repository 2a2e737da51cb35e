"""Plans the runs for a report's files: at full size, within a budget, or scaled down."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mnistlab.config import RunConfig
from mnistlab.config.config_text import mapping_nodes, read_config_text, sweep_mark
from mnistlab.config.dump import restated, value_as_yaml
from mnistlab.config.load_sweep import SweepSource, load_sweep, refuse
from mnistlab.reproduce.checks import problems_of
from mnistlab.reproduce.manifest import Experiment, LoadedReport
from mnistlab.reproduce.planned import FullLength, PlannedExperiment
from mnistlab.support.errors import ConfigError
from mnistlab.sweeps.space import checked_points
from mnistlab.sweeps.sweep_run import check
from mnistlab.sweeps.trials import Datasets
from mnistlab.training.run_length import run_length

DEFAULT, FULL, QUICK = "default", "full", "quick"


def planned_experiments(
    loaded: LoadedReport, budget: str, arguments: Sequence[str], datasets: Datasets
) -> dict[str, PlannedExperiment]:
    """Every experiment of a report, with each trial validated; `arguments` are `KEY=VALUE`, set in
    all of them.

    Raises ConfigError with all errors of one; DataError.
    """
    found = {}
    sources: dict[str, SweepSource] = {}
    for name, experiment in loaded.report.experiments.items():
        path = loaded.folder / (experiment.file or f"{name}.yaml")
        limits = _limits(experiment, loaded.report.quick, budget)
        # These make a run's file a sweep of one point.
        seeds = 1 if budget == QUICK else experiment.seeds
        always = [f"seeds={seeds}", *_judged_by(path), *arguments]
        limited = [f"{key}={value_as_yaml(value)}" for key, value in limits.items()]
        source = load_sweep(path, [*limited, *always])
        check(source, datasets)
        sources[name] = source
        full = _full_length(load_sweep(path, always), datasets, arguments) if limits else None
        full = None if full == _length(source, datasets) else full
        found[name] = PlannedExperiment(
            sweep=restated(source.mapping(), source.config.reference),
            full_length=full,
            teacher=experiment.teacher,
        )
    refuse(list(problems_of(loaded.report, loaded.root, sources)))
    return found


def _judged_by(path: Path) -> list[str]:
    """For a run's file, a metric that is always measured: there is nothing to choose."""
    root, _ = mapping_nodes(read_config_text(path), str(path), None)
    return ["metric.name=train_accuracy"] if sweep_mark(root) is None else []


def _limits(experiment: Experiment, quick: Mapping[str, Any], budget: str) -> Mapping[str, Any]:
    if budget == QUICK:
        return quick if experiment.quick is None else experiment.quick
    return experiment.budget if budget == DEFAULT else {}


def _full_length(
    source: SweepSource, datasets: Datasets, arguments: Sequence[str]
) -> FullLength | None:
    """The length of an experiment's trials at full size; None if they differ, or if the arguments
    select data that are too few for it.
    """
    try:
        return _length(source, datasets)
    except ConfigError:
        if not arguments:
            raise
        return None


def _length(source: SweepSource, datasets: Datasets) -> FullLength | None:
    """The length of a sweep's trials; None if they differ."""
    lengths = [_of_run(config, datasets) for _, _, config in checked_points(source)]
    return lengths[0] if all(length == lengths[0] for length in lengths) else None


def _of_run(config: RunConfig, datasets: Datasets) -> FullLength:
    dataset = datasets.of(config)
    images = len(dataset.train)
    return FullLength(
        epochs=run_length(config, images).epochs,
        images=images,
        validation=len(dataset.validation),
    )
