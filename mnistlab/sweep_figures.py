"""The figures of a sweep, from its folder."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from mnistlab.config.dump import value_as_yaml
from mnistlab.config.load_sweep import load_sweep
from mnistlab.config.sweep import StatedPoint, SweepConfig
from mnistlab.errors import UsageError
from mnistlab.experiment.metrics import read_metrics
from mnistlab.plots.style import save_figure
from mnistlab.plots.sweep_bars import bars
from mnistlab.plots.sweep_curves import sweep_curves
from mnistlab.plots.sweep_heat_map import heat_map
from mnistlab.plots.sweep_parameters import metric_by_parameter
from mnistlab.plots.sweep_points import SweepMetric, SweepPoint, TrialCurve, varied
from mnistlab.sweep.ranking import Ranked, rank
from mnistlab.sweep.results import REFIT, SweepDir, TrialRow, read_trials

TESTED = SweepMetric("test_accuracy", maximize=True)


def draw_sweep(sweep_dir: SweepDir, format: str = "png") -> list[Path]:
    """Draw every figure that the sweep's folder has the data for; their paths.

    Reads sweep.yaml, trials.csv and the trials' metrics.csv. Raises UsageError where one of the
    first two is missing or damaged; a figure without data is left out.
    """
    config = load_sweep(sweep_dir.config).config
    rows = read_trials(sweep_dir)
    metric = SweepMetric(config.metric.name, config.metric.goal == "maximize")
    figures: list[tuple[str, Callable[[], Figure]]] = []
    stages: list[str | None] = [stage.name for stage in config.stages or ()]
    for stage in stages or [None]:
        here = [row for row in rows if stage is None or stage in row.stages]
        figures += _of_stage(sweep_dir, config, metric, stage, here)
    refits = [row for row in rows if any(stage.startswith(REFIT) for stage in row.stages)]
    if refits:
        ranked = _ranked(config, None, refits, TESTED.name)
        title = f"{config.name}: winners, trained on all training images"
        figures.append(("refit-bars", lambda: bars(_points(ranked, TESTED), TESTED, title)))
    return list(_saved(sweep_dir, figures, format))


def _of_stage(
    sweep_dir: SweepDir,
    config: SweepConfig,
    metric: SweepMetric,
    stage: str | None,
    rows: Sequence[TrialRow],
) -> list[tuple[str, Callable[[], Figure]]]:
    ranked = _ranked(config, stage, rows, metric.name)
    points = _points(ranked, metric)
    title = config.name if stage is None else f"{config.name}: stage {stage}"
    prefix = "" if stage is None else f"{stage}-"
    return [
        (f"{prefix}metric_by_parameter", lambda: metric_by_parameter(points, metric, title)),
        (f"{prefix}heat_map", lambda: heat_map(points, metric, title)),
        (
            f"{prefix}learning_curves",
            lambda: sweep_curves(_curves(sweep_dir, ranked, points), metric, title),
        ),
        (f"{prefix}bars", lambda: bars(points, metric, title)),
    ]


def _ranked(
    config: SweepConfig, stage: str | None, rows: Sequence[TrialRow], name: str
) -> list[Ranked]:
    goal = "minimize" if name.endswith("loss") else "maximize"
    metric = config.metric
    if name != metric.name:
        metric = metric.model_copy(update={"name": name, "goal": goal})
    stated: Sequence[StatedPoint] = config.reference or ()
    return rank(rows, metric, stage, stated)


def _points(ranked: Iterable[Ranked], metric: SweepMetric) -> list[SweepPoint]:
    return [
        SweepPoint(point.parameters, point.values, point.mean is not None, point.stated)
        for point in ranked
    ]


def _curves(
    sweep_dir: SweepDir, ranked: Sequence[Ranked], points: Sequence[SweepPoint]
) -> list[TrialCurve]:
    """Every trial that has rows, named by what varies; best first."""
    keys = varied(points)
    curves = []
    for point in ranked:
        for row in point.trials:
            path = sweep_dir.path / row.run_dir / "metrics.csv"
            if not path.exists():
                continue
            shown = [key for key in [*keys, "seed"] if key in row.parameters]
            label = "  ".join(
                f"{key.rpartition('.')[2]} {value_as_yaml(row.parameters[key])}" for key in shown
            )
            curves.append(TrialCurve(label, read_metrics(path), row.status == "diverged"))
    return curves


def _saved(
    sweep_dir: SweepDir, figures: Iterable[tuple[str, Callable[[], Figure]]], format: str
) -> Iterable[Path]:
    for name, draw in figures:
        try:
            figure = draw()
        # Nothing to draw: one parameter makes no heat map.
        except UsageError:
            continue
        sweep_dir.plots.mkdir(exist_ok=True)
        path = sweep_dir.plots / f"{name}.{format}"
        save_figure(figure, path, format)
        yield path
