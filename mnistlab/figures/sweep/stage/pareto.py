"""The Pareto front of a sweep that ranks by several metrics."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mnistlab.figures import style
from mnistlab.figures.definition import FigureDefinition
from mnistlab.figures.sheet import MARGIN, Sheet
from mnistlab.figures.sweep_data import RankedPoints
from mnistlab.figures.sweep_points import SweepMetric, near_the_best, outside, wants_log_axis
from mnistlab.support.errors import LackingError
from mnistlab.support.text_format import counted

COLUMNS, HEIGHT = 2, 3.6  # panels in a row; inches of a panel
LEFT, BELOW = 0.75, 0.75  # inches around the panels
APART = (0.05, 0.055)  # of a panel's sides, between two numbers of points


@dataclass(frozen=True)
class FrontPoint:
    """A point with the number of its first trial, its mean metrics, and whether no other point
    dominates it.
    """

    trial: int
    means: tuple[float, ...]
    on_front: bool


def draw(stage: RankedPoints) -> Figure:
    if len(stage.metrics) < 2:
        raise LackingError("the sweep ranks by one metric")
    points = [
        FrontPoint(
            point.first_trial.trial,
            tuple(one.mean or 0.0 for one in point.measured),
            point.on_front,
        )
        for point in stage.ranked
        if point.rank is not None
    ]
    return pareto_front(points, stage.metrics, stage.title)


FIGURE = FigureDefinition(
    order=5,
    title="The Pareto front",
    how_to_read="A corner of the front: from there, more of one metric costs much of the other.",
    draw=draw,
)


def pareto_front(points: Sequence[FrontPoint], metrics: Sequence[SweepMetric], run: str) -> Figure:
    """The first metric against each of the others: the front as filled dots with the numbers of
    their trials, all other points faint. Of two metrics, the front is joined by a line.

    Raises LackingError if no point has a rank.
    """
    if not points:
        raise LackingError("no point has all its metrics")
    front = [point for point in points if point.on_front]
    first, others = metrics[0], metrics[1:]
    note = (
        f"Filled: the {counted(len(front), 'point')} of {len(points):,} on the front, with the "
        "numbers of their trials: no point is better in one metric and as good in all others."
    )
    note += outside(int((~_shown(points, first)).sum()), "point", first)
    columns = min(COLUMNS, len(others))
    step = (style.WIDTH - 2 * MARGIN) / columns
    with style.drawing():
        heading = f"{first.words.capitalize()} and {' and '.join(one.words for one in others)}"
        sheet = Sheet(0.1 + math.ceil(len(others) / columns) * (HEIGHT + BELOW), heading, note, run)
        for index, other in enumerate(others):
            row, column = divmod(index, columns)
            top = 0.1 + row * (HEIGHT + BELOW)
            axes = sheet.panel(MARGIN + column * step + LEFT, top, step - LEFT - 0.1, HEIGHT)
            x = np.array([point.means[index + 1] for point in points]) * other.factor
            _draw_panel(axes, points, x, other, first, joined=len(others) == 1)
        told = [_in_words(point, metrics) for point in front]
        sheet.describe(f"On the front: {'; '.join(told)}.")
    return sheet.figure


def _in_words(point: FrontPoint, metrics: Sequence[SweepMetric]) -> str:
    values = [metric.written(mean) for metric, mean in zip(metrics, point.means, strict=True)]
    return f"trial {point.trial}: {', '.join(values)}"


def _shown(points: Sequence[FrontPoint], metric: SweepMetric) -> np.ndarray:
    """Which points the range of the y axis has: the front, and those not far behind, bool."""
    values = np.array([point.means[0] for point in points])
    return near_the_best(values, metric) | np.array([point.on_front for point in points])


def _draw_panel(
    axes: Axes,
    points: Sequence[FrontPoint],
    x: np.ndarray,
    other: SweepMetric,
    first: SweepMetric,
    *,
    joined: bool,
) -> None:
    y = np.array([point.means[0] for point in points]) * first.factor
    front = np.array([point.on_front for point in points])
    colour = style.SPLIT_COLOURS[first.name.split("_")[0]]
    if wants_log_axis(x.tolist()) and x.min() > 0:
        axes.set_xscale("log")
    axes.scatter(x[~front], y[~front], s=18, color=style.FAINT, alpha=0.6, label="other")
    axes.scatter(x[front], y[front], s=30, color=colour, zorder=4, label="front")
    if joined:
        order = np.argsort(x[front], kind="stable")
        # Between two points of the front, the better one of those that cost no more is reached.
        where: Literal["pre", "post"] = "pre" if other.maximize else "post"
        axes.step(x[front][order], y[front][order], where=where, color=colour, linewidth=1.4)
    shown = y[_shown(points, first)]
    margin = 0.08 * float(np.ptp(shown)) or 0.05 * abs(float(shown[0])) or 1.0
    ceiling = first.factor if first.is_share else math.inf
    axes.set_ylim(float(shown.min()) - margin, min(float(shown.max()) + 1.5 * margin, ceiling))
    axes.margins(x=0.06)
    _number(axes, [point.trial for point in points if point.on_front], x[front], y[front])
    axes.set_xlabel(other.label)
    axes.set_ylabel(first.label)


def _number(axes: Axes, trials: Sequence[int], x: np.ndarray, y: np.ndarray) -> None:
    """Write the numbers of trials above their points, as far as they do not overlap."""
    axes.autoscale_view()
    places = axes.transAxes.inverted().transform(axes.transData.transform(np.column_stack([x, y])))
    written: list[np.ndarray] = []
    for trial, place in zip(trials, places, strict=True):
        if all((np.abs(place - other) > APART).any() for other in written):
            written.append(place)
            look: Any = {"ha": "right", "va": "bottom", "size": 8, "transform": axes.transAxes}
            axes.text(place[0], place[1], f"{trial} ", **look)
