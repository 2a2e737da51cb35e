"""Every point of a sweep as a line through its parameters' values, coloured by the metric."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mnistlab.config.dump import value_as_yaml
from mnistlab.figures import style
from mnistlab.figures.definition import FigureDefinition
from mnistlab.figures.sheet import MARGIN, Sheet
from mnistlab.figures.sweep_data import RankedPoints
from mnistlab.figures.sweep_points import (
    SweepMetric,
    SweepPoint,
    colour_limits,
    colours,
    finished,
    is_numeric,
    ordered,
    varied,
    wants_log_axis,
)
from mnistlab.support.errors import LackingError
from mnistlab.support.text_format import counted, short_keys, without_middle

LEAST_POINTS = 10  # with fewer, the table says as much
MOST_PARAMETERS = 8
HEIGHT, LEFT, RIGHT, BELOW = 3.6, 0.55, 1.45, 0.4  # inches around and of the panel
MOST_TICKS = 7
LACKING = -0.13  # the place of points that lack a parameter, below its values
LABEL_CHARACTERS = 12


@dataclass(frozen=True)
class Column:
    """An axis: the place of each point from 0, its lower end, to 1; and (place, text) of ticks."""

    title: str
    places: np.ndarray
    ticks: Sequence[tuple[float, str]]


def draw(stage: RankedPoints) -> Figure:
    return parallel_coordinates(stage.points, stage.metrics, stage.title)


FIGURE = FigureDefinition(
    order=46,
    title="Parallel coordinates",
    how_to_read="Light lines that meet at one value: good points need it.",
    draw=draw,
)


def parallel_coordinates(
    points: Sequence[SweepPoint], metrics: Sequence[SweepMetric], run: str
) -> Figure:
    """An axis for each parameter that varies, then one for each metric. Raises LackingError if
    there are few finished points, or fewer than two such parameters.
    """
    measured = finished(points, LEAST_POINTS)
    keys = varied(measured)[:MOST_PARAMETERS]
    if len(keys) < 2:
        raise LackingError("needs two parameters")
    metric = metrics[0]
    values = np.array([point.mean for point in measured]) * metric.factor
    limits, extend = colour_limits(values, metric)
    names = short_keys(keys)
    columns = [_of_parameter(names[key], key, measured) for key in keys]
    columns += [_of_metric(one, _means(measured, place)) for place, one in enumerate(metrics)]
    best = int(values.argmax() if metric.maximize else values.argmin())
    with style.drawing():
        heading = f"{metric.words.capitalize()} by all parameters"
        note = _note(points, measured, len(varied(measured)), metrics)
        sheet = Sheet(0.35 + HEIGHT + BELOW, heading, note, run)
        width = style.WIDTH - 2 * MARGIN - LEFT - RIGHT
        axes = sheet.panel(MARGIN + LEFT, 0.2, width, HEIGHT)
        _draw_lines(axes, columns, values, limits, metric, best)
        _draw_columns(axes, columns)
        right = style.WIDTH - MARGIN - 0.8
        sheet.scale(right, 0.2, HEIGHT, colours(metric), limits, metric.label, extend)
        told = [
            f"{key} {value_as_yaml(measured[best].parameters[key])}"
            for key in keys
            if key in measured[best].parameters
        ]
        reached = metric.written(measured[best].mean)
        sheet.describe(f"The best of {len(measured)} points, {reached}: {', '.join(told)}.")
    return sheet.figure


def _note(
    points: Sequence[SweepPoint],
    measured: Sequence[SweepPoint],
    parameters: int,
    metrics: Sequence[SweepMetric],
) -> str:
    told = "A line is one point, from its parameters to what it reached. Red: the best one"
    told += f" in {metrics[0].words}." if len(metrics) > 1 else "."
    if any(_is_cut(one, _means(measured, place)) for place, one in enumerate(metrics)):
        told += " Points far behind end at the end of the axis."
    left = len(points) - len(measured)
    if left:
        told += f" {counted(left, 'point')} without a final metric (pruned, diverged or failed)"
        told += f" {'is' if left == 1 else 'are'} left out."
    if parameters > MOST_PARAMETERS:
        told += f" The first {MOST_PARAMETERS} of {parameters} parameters."
    return told


def _of_parameter(title: str, key: str, points: Sequence[SweepPoint]) -> Column:
    """The axis of a parameter: of numbers, logarithmic if they suit it, else of names."""
    given: list[Any] = ordered([p.parameters[key] for p in points if key in p.parameters])
    if is_numeric(given):
        found = _scaled([float(value) for value in given])
        texts = dict(zip(map(value_as_yaml, given), found, strict=True))
        ticks = _ticks([float(value) for value in given], found)
    else:
        names = list(map(value_as_yaml, given))
        places = np.linspace(0.0, 1.0, len(names)) if len(names) > 1 else [0.5]
        texts = dict(zip(names, map(float, places), strict=True))
        ticks = [(place, without_middle(text, LABEL_CHARACTERS)) for text, place in texts.items()]
    places = [
        texts[value_as_yaml(point.parameters[key])] if key in point.parameters else LACKING
        for point in points
    ]
    if LACKING in places:
        ticks = [*ticks, (LACKING, "none")]
    return Column(title, np.array(places), ticks)


def _means(points: Sequence[SweepPoint], place: int) -> np.ndarray:
    """The means of the metric at that place among the sweep's metrics, (points,)."""
    return np.array([(point.mean, *point.others)[place] for point in points])


def _is_cut(metric: SweepMetric, means: np.ndarray) -> bool:
    """Whether some of the means (points,) lie beyond the end of the metric's axis."""
    return colour_limits(means, metric)[1] != "neither"


def _of_metric(metric: SweepMetric, means: np.ndarray) -> Column:
    """The axis of a metric; points far behind lie at its end."""
    values = means * metric.factor
    (low, high), _ = colour_limits(values, metric)
    places = (np.clip(values, low, high) - low) / (high - low)
    ticks = [
        ((tick - low) / (high - low), f"{tick:.4g}")
        for tick in MaxNLocator(MOST_TICKS).tick_values(low, high)
        if low <= tick <= high
    ]
    title = metric.words if metric.unit in (None, "mean per image") else metric.label
    return Column(title, places, ticks)


def _scaled(values: Sequence[float]) -> list[float]:
    """The places of different numbers in ascending order; zero on a log axis is below all."""
    if wants_log_axis(values):
        positive = [value for value in values if value > 0]
        zero = [0.0] * (len(values) - len(positive))
        bottom = 0.15 if zero else 0.0
        logs = np.log(positive)
        return [*zero, *(bottom + (1 - bottom) * (logs - logs[0]) / (logs[-1] - logs[0])).tolist()]
    span = values[-1] - values[0]
    return [(value - values[0]) / span if span else 0.5 for value in values]


def _ticks(values: Sequence[float], places: Sequence[float]) -> list[tuple[float, str]]:
    """Ticks at the values if they are few, else at round numbers between them."""
    wanted = list(values)
    if len(values) > MOST_TICKS:
        log = wants_log_axis(values)
        known = [(v, place) for v, place in zip(values, places, strict=True) if v > 0 or not log]
        at, there = (np.array(one) for one in zip(*known, strict=True))
        if log:
            powers = np.arange(math.ceil(math.log10(at[0])), math.floor(math.log10(at[-1])) + 1)
            wanted = (10.0**powers).tolist()
            places = np.interp(np.log(wanted), np.log(at), there).tolist()
        else:
            round_ones = MaxNLocator(MOST_TICKS - 1).tick_values(at[0], at[-1])
            wanted = [float(tick) for tick in round_ones if at[0] <= tick <= at[-1]]
            places = np.interp(wanted, at, there).tolist()
    return [(place, f"{value:.4g}") for place, value in zip(places, wanted, strict=True)]


def _draw_lines(
    axes: Axes,
    columns: Sequence[Column],
    values: np.ndarray,
    limits: tuple[float, float],
    metric: SweepMetric,
    best: int,
) -> None:
    """The lines, better ones above worse ones."""
    order = np.argsort(values if metric.maximize else -values, kind="stable")
    across = np.arange(len(columns))
    lines = [
        np.column_stack([across, [column.places[point] for column in columns]]) for point in order
    ]
    palette, norm = colormaps[colours(metric)], Normalize(*limits, clip=True)
    axes.add_collection(
        LineCollection(lines, colors=palette(norm(values[order])), linewidths=1.3, alpha=0.85)
    )
    axes.plot(across, [c.places[best] for c in columns], color=style.VERMILLION, linewidth=2.4)


def _draw_columns(axes: Axes, columns: Sequence[Column]) -> None:
    lowest = min(0.0, *(place for column in columns for place, _ in column.ticks))
    axes.set_xlim(0, len(columns) - 1)
    axes.set_ylim(lowest - 0.02, 1.02)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.set_yticks([])
    axes.set_xticks(range(len(columns)), [column.title for column in columns], parse_math=False)
    axes.tick_params(axis="x", length=0, pad=6)
    behind: Any = {"facecolor": style.PAPER, "edgecolor": "none", "alpha": 0.75, "pad": 0.6}
    for place, column in enumerate(columns):
        axes.plot([place, place], [0, 1], color=style.FAINT, linewidth=0.9, zorder=3)
        written = -math.inf
        for at, text in sorted(column.ticks):
            if at - written < 0.05:
                continue
            written = at
            look: Any = {"size": 8, "ha": "right", "va": "center", "zorder": 5, "bbox": behind}
            axes.text(place - 0.04, at, text, parse_math=False, **look)
