"""A sweep's metric against each of its parameters."""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from mnistlab.config.dump import value_as_yaml
from mnistlab.figures import style
from mnistlab.figures.definition import FigureDefinition
from mnistlab.figures.sweep_data import RankedPoints
from mnistlab.figures.sweep_points import (
    SweepMetric,
    SweepPoint,
    is_numeric,
    varied,
    wants_log_axis,
    write_title,
)
from mnistlab.support.errors import UsageError
from mnistlab.support.scale import LARGEST, SMALLEST

PANEL_WIDTH, PANEL_HEIGHT = 4.0, 3.3  # inches
LEFT, RIGHT, TOP, BOTTOM = 0.85, 0.25, 0.8, 0.85  # inches around the panels
COLUMNS = 3
CHARACTER_WIDTH = 0.08  # inches, of a tick's label
LABEL_CHARACTERS = 16


def draw(stage: RankedPoints) -> Figure:
    return metric_by_parameter(stage.points, stage.metric, stage.title)


FIGURE = FigureDefinition(
    order=10,
    title="The metric by parameter",
    how_to_read=(
        "A steep line is an important parameter; a best value at an edge needs a wider range."
    ),
    draw=draw,
)


def metric_by_parameter(points: Sequence[SweepPoint], metric: SweepMetric, title: str) -> Figure:
    """A panel for each parameter that varies: every point, and the best of each value as a line.

    Means over seeds, with the standard deviation. On a log axis where the values lie so; a zero
    then stands at its left end. Raises UsageError where no parameter varies, or none was measured.
    """
    keys = varied(points)
    measured = [point for point in points if math.isfinite(point.mean)]
    if not keys or not measured:
        raise UsageError("metric by parameter: no parameter has two values that were measured")
    columns = min(COLUMNS, len(keys))
    rows = math.ceil(len(keys) / columns)
    width = columns * (LEFT + PANEL_WIDTH + RIGHT)
    height = TOP + rows * (PANEL_HEIGHT + BOTTOM)
    with style.drawing():
        figure = style.new_figure(width, height)
        write_title(figure, title)
        note = "a point for each combination; the line joins the best of each value"
        figure.text(0.012, 1 - 0.45 / height, note, size=style.SMALL, va="top")
        for index, key in enumerate(keys):
            row, column = divmod(index, columns)
            place = (
                (column * (LEFT + PANEL_WIDTH + RIGHT) + LEFT) / width,
                1 - (TOP + row * (PANEL_HEIGHT + BOTTOM) + PANEL_HEIGHT) / height,
                PANEL_WIDTH / width,
                PANEL_HEIGHT / height,
            )
            axes = figure.add_axes(place)
            _draw_panel(axes, key, measured, metric)
    return figure


def place_values(axes: Axes, values: Sequence[Any]) -> dict[str, float]:
    """Where each value stands on the x axis, by its text; the axis is set up for them.

    Numbers stand where they are, on a log axis where that suits them; all else side by side.
    """
    texts = {value_as_yaml(value): value for value in values}
    if is_numeric(list(texts.values())) and all(map(_has_a_place, texts.values())):
        places = {text: float(value) for text, value in texts.items()}
        if wants_log_axis(list(places.values())):
            return _on_log_axis(axes, places)
        ordered = sorted(places, key=places.__getitem__)
        _set_ticks(axes, _apart(ordered, list(map(places.__getitem__, ordered))), places)
        return places
    places = {text: float(index) for index, text in enumerate(texts)}
    _set_ticks(axes, list(texts), places)
    axes.set_xlim(-0.6, len(places) - 0.4)
    return places


def _has_a_place(value: float) -> bool:
    """Whether a value can stand on an axis, with a margin and others around it."""
    return value == 0 or SMALLEST <= abs(value) <= LARGEST


def _on_log_axis(axes: Axes, places: dict[str, float]) -> dict[str, float]:
    positive = sorted(value for value in places.values() if value > 0)
    ratio = min(b / a for a, b in itertools.pairwise(positive) if b > a)
    zero = positive[0] / max(ratio, 3.0)
    placed = {text: value if value > 0 else zero for text, value in places.items()}
    axes.set_xscale("log")
    ordered = sorted(placed, key=placed.__getitem__)
    logarithms = [math.log10(placed[text]) for text in ordered]
    _set_ticks(axes, _apart(ordered, logarithms), placed)
    axes.xaxis.set_minor_locator(NullLocator())
    least, most = min(placed.values()), max(placed.values())
    margin = (most / least) ** 0.08
    axes.set_xlim(least / margin, most * margin)
    return placed


def _apart(texts: Sequence[str], places: Sequence[float]) -> list[str]:
    """Of texts in the order of their places those that can stand under the axis side by side."""
    span = max(places[-1] - places[0], 1e-300)
    kept: list[str] = []
    free = -math.inf
    for text, place in zip(texts, places, strict=True):
        middle = (place - places[0]) / span * PANEL_WIDTH * 0.86
        half = (len(text) + 1) * CHARACTER_WIDTH / 2
        if middle - half >= free:
            kept.append(text)
            free = middle + half
    return kept


def _set_ticks(axes: Axes, texts: Sequence[str], places: dict[str, float]) -> None:
    short = [t if len(t) <= LABEL_CHARACTERS else f"{t[: LABEL_CHARACTERS - 1]}…" for t in texts]
    axes.set_xticks([places[text] for text in texts], short, parse_math=False)
    if sum(map(len, short)) > 42:
        axes.tick_params(axis="x", rotation=20)
        for label in axes.get_xticklabels():
            label.set_horizontalalignment("right")


def _draw_panel(axes: Axes, key: str, points: Sequence[SweepPoint], metric: SweepMetric) -> None:
    here = [point for point in points if key in point.parameters]
    places = place_values(axes, _ordered([point.parameters[key] for point in here]))
    x = np.array([places[value_as_yaml(point.parameters[key])] for point in here])
    y = np.array([point.mean for point in here]) * metric.factor
    spread = np.array([point.std for point in here]) * metric.factor
    complete = np.array([point.complete for point in here])
    style_of_points: Any = {"s": 26, "color": style.SPLIT_COLOURS[metric.name.split("_")[0]]}
    has_spread = np.isfinite(spread)
    axes.errorbar(x[has_spread], y[has_spread], spread[has_spread], fmt="none", capsize=3,
                  ecolor=style.FAINT, elinewidth=1.0)  # fmt: skip
    axes.scatter(x[complete], y[complete], zorder=3, alpha=0.75, label="point", **style_of_points)
    best = np.max if metric.maximize else np.min
    lined = sorted(set(x[complete]))
    tops = [float(best(y[complete & (x == place)])) for place in lined]
    axes.plot(lined, tops, color=style.INK, linewidth=1.2, zorder=2, label="best")
    axes.set_xlabel(key, parse_math=False)
    axes.set_ylabel(metric.label)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6))
    if metric.is_share:
        low, high = axes.get_ylim()
        axes.set_ylim(max(low, -3.0), min(high, 103.0))


def _ordered(values: Sequence[Any]) -> list[Any]:
    """Each value once: numbers by their size, all else by their first use."""
    distinct = list({value_as_yaml(value): value for value in values}.values())
    return sorted(distinct) if is_numeric(distinct) else distinct
