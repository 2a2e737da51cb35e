"""The best metric so far, by the number of trials and by their training time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mnistlab.figures import style
from mnistlab.figures.definition import FigureDefinition
from mnistlab.figures.sheet import MARGIN, Sheet
from mnistlab.figures.sweep_data import RankedPoints
from mnistlab.figures.sweep_points import SweepMetric, near_the_best, outside
from mnistlab.store.run_dir import RunDir
from mnistlab.store.run_record import read_run_record
from mnistlab.support.errors import LackingError
from mnistlab.sweeps.results import sweep_of

LEAST_TRIALS = 10  # with fewer, the ranking says as much
HEIGHT, LEFT = 3.2, 0.75  # inches


@dataclass(frozen=True)
class TrialEnd:
    """A trial in the order of the numbers: its metric, NaN if it has none (it diverged, failed or
    was pruned), and its training time in seconds.
    """

    metric: float
    seconds: float


def draw(stage: RankedPoints) -> Figure:
    if not sweep_of(stage.sweep_dir).config.method.draws:
        raise LackingError("the order of a grid says nothing")
    rows = sorted((row for p in stage.ranked for row in p.trials), key=lambda row: row.trial)
    if len(rows) < LEAST_TRIALS:
        raise LackingError(f"needs at least {LEAST_TRIALS} trials")
    ends = []
    for row in rows:
        value = row.metrics.get(stage.metric.name) if row.status.finished else None
        if row.status.ended:
            seconds = read_run_record(RunDir(stage.sweep_dir.path / row.run_dir)).seconds.train
            ends.append(TrialEnd(np.nan if value is None else value, seconds))
    return best_so_far(ends, stage.metric, stage.title)


FIGURE = FigureDefinition(
    order=45,
    title="The best trial so far",
    how_to_read="A line that is flat at its right end: more trials would bring little.",
    draw=draw,
)


def best_so_far(trials: Sequence[TrialEnd], metric: SweepMetric, run: str) -> Figure:
    """Every trial as a dot, and the best up to it as a line: by trial, and by training seconds of
    all trials together. Raises LackingError if no trial has a metric.
    """
    values = np.array([trial.metric for trial in trials]) * metric.factor
    measured = np.isfinite(values)
    if not measured.any():
        raise LackingError("no trial has finished")
    worst = -np.inf if metric.maximize else np.inf
    best = np.maximum if metric.maximize else np.minimum
    line = best.accumulate(np.where(measured, values, worst))
    numbers = np.arange(len(trials))
    seconds = np.cumsum([trial.seconds for trial in trials])
    lost = int((~measured).sum())
    note = "A dot is one trial; the line is the best one up to it."
    if lost:
        note += (
            f" {lost} of {len(trials)} trials have no final metric (pruned, diverged or failed)."
        )
    limits = _limits(values[measured], metric)
    far = int(((values < limits[0]) | (values > limits[1])).sum())  # no comparison holds for a NaN
    note += outside(far, "trial", metric)
    with style.drawing():
        heading = f"Best {metric.words} so far"
        sheet = Sheet(HEIGHT + 0.75, heading, note, run)
        step = (style.WIDTH - 2 * MARGIN) / 2
        for place, (x, label) in enumerate(
            ((numbers, "trial"), (seconds, "training time of all trials (s)"))
        ):
            axes = sheet.panel(MARGIN + place * step + LEFT, 0.15, step - LEFT - 0.1, HEIGHT)
            _draw_panel(axes, x, values, line, metric)
            axes.set_ylim(*limits)
            axes.set_xlabel(label)
            if place == 0:
                axes.set_ylabel(metric.label)
                axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
        first = int(np.flatnonzero(line == line[-1])[0])
        sheet.describe(
            f"The best {metric.words} is {metric.written(line[-1] / metric.factor)}, reached by "
            f"trial {first} of {len(trials)} after {seconds[first]:.3g} of {seconds[-1]:.3g} "
            "seconds of training."
        )
    return sheet.figure


def _draw_panel(
    axes: Axes,
    x: np.ndarray,
    values: np.ndarray,
    line: np.ndarray,
    metric: SweepMetric,
) -> None:
    """The dots and the line. A trial without a metric has no dot."""
    known = np.isfinite(line)
    colour = style.SPLIT_COLOURS[metric.name.split("_")[0]]
    axes.step(x[known], line[known], where="post", color=colour, linewidth=2.0)
    measured = np.isfinite(values)
    dots = {"s": 16, "color": style.FAINT, "zorder": 2}
    axes.scatter(x[measured], values[measured], clip_on=True, **dots)  # type: ignore[arg-type]


def _limits(values: np.ndarray, metric: SweepMetric) -> tuple[float, float]:
    """The range of the axis, for finite values: those that are not far behind the best one."""
    shown = values[near_the_best(values, metric)]
    low, high = float(shown.min()), float(shown.max())
    margin = 0.06 * (high - low) or 0.05 * abs(high) or 1.0
    ceiling = metric.factor if metric.is_share else np.inf
    return max(low - margin, min(low, 0.0)), min(high + margin, ceiling)
