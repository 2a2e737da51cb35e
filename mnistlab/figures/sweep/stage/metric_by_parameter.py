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
from mnistlab.figures.sheet import MARGIN, Sheet
from mnistlab.figures.sweep_data import RankedPoints
from mnistlab.figures.sweep_points import (
    SweepMetric,
    SweepPoint,
    is_numeric,
    near_the_best,
    ordered,
    outside,
    varied,
    wants_log_axis,
)
from mnistlab.figures.sweep_ranking import spans_of
from mnistlab.support.errors import LackingError
from mnistlab.support.scale import LARGEST, SMALLEST
from mnistlab.support.text_format import without_middle

WIDEST, PANEL_HEIGHT = 6.5, 3.0  # inches
LEFT, BELOW = 0.75, 0.85  # inches around the panels
COLUMNS = 3
CHARACTER_WIDTH = 0.08  # inches, of a tick's label
LABEL_CHARACTERS = 16
MOST_JOINED = 20  # values; a line through a random point of each would show noise


def draw(stage: RankedPoints) -> Figure:
    return metric_by_parameter(stage.points, stage.metric, stage.title)


FIGURE = FigureDefinition(
    order=10,
    title="The metric by parameter",
    how_to_read=(
        "Where the metric changes much, a parameter is important; a best value at an edge needs a "
        "wider range."
    ),
    draw=draw,
)


def metric_by_parameter(points: Sequence[SweepPoint], metric: SweepMetric, run: str) -> Figure:
    """A panel for each parameter that varies: every point, and the best of each value as a line.

    Means over seeds, with the standard deviation, on one scale. The axis is logarithmic if the
    values suit it; zero is then at its left end. Raises LackingError if no parameter varies, or
    none was measured.
    """
    keys = varied(points)
    measured = [point for point in points if math.isfinite(point.mean)]
    if not keys or not measured:
        raise LackingError("no parameter has two values that were measured")
    columns = min(COLUMNS, len(keys))
    rows = math.ceil(len(keys) / columns)
    step = (style.WIDTH - 2 * MARGIN) / columns
    width = min(step - LEFT, WIDEST)
    note = "A dot is one combination of values."
    if any(
        len({repr(point.parameters.get(key)) for point in measured}) <= MOST_JOINED for key in keys
    ):
        note = f"{note[:-1]}; the line joins the best one of each value."
    if any(math.isfinite(point.std) for point in measured):
        note += " Error bars: the standard deviation over seeds."
    heading = f"{metric.words.capitalize()} by parameter"
    limits = _limits(measured, metric)
    drawn = np.array([point.mean * metric.factor for point in measured if point.complete])
    note += outside(int((~_within(drawn, limits)).sum()), "point", metric)
    with style.drawing():
        sheet = Sheet(0.1 + rows * (PANEL_HEIGHT + BELOW), heading, note, run)
        for index, key in enumerate(keys):
            row, column = divmod(index, columns)
            top = 0.1 + row * (PANEL_HEIGHT + BELOW)
            axes = sheet.panel(MARGIN + column * step + LEFT, top, width, PANEL_HEIGHT)
            _draw_panel(axes, key, measured, metric, limits)
            if column == 0:
                axes.set_ylabel(metric.label)
        sheet.describe(_seen(measured, metric, keys))
    return sheet.figure


def _seen(points: Sequence[SweepPoint], metric: SweepMetric, keys: Sequence[str]) -> str:
    """The best point of each value of each parameter, in words."""
    best = max if metric.maximize else min
    told = []
    for key in keys:
        here = [point for point in points if key in point.parameters]
        ends = [
            f"{value_as_yaml(value)}: "
            + metric.written(best(p.mean for p in here if p.parameters[key] == value))
            for value in ordered([point.parameters[key] for point in here])
        ]
        told.append(f"by {key}, {', '.join(ends)}")
    return f"The best {metric.words} {'; '.join(told)}."


def _limits(points: Sequence[SweepPoint], metric: SweepMetric) -> tuple[float, float]:
    """The range of all panels: that of all means and error bars, within 0 and 100 %. Losses have no
    upper bound, so those far behind the best one lie outside.
    """
    spans = spans_of(points, metric)
    near = slice(None) if metric.is_share else near_the_best(spans.mean, metric)
    low, high = float(spans.low[near].min()), float(spans.high[near].max())
    margin = 0.05 * (high - low) or (1.0 if metric.is_share else 0.1 * abs(high) or 1.0)
    low, high = low - margin, high + margin
    return (max(low, 0.0), min(high, metric.factor)) if metric.is_share else (low, high)


def _within(values: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    """Which of the values (points,) lie within the limits, bool."""
    return (limits[0] <= values) & (values <= limits[1])


def place_values(axes: Axes, values: Sequence[Any]) -> dict[str, float]:
    """Set up the x axis; return the position of each value on it, by the value's text.

    Numbers are at their own position, on a log axis if that suits them; all others are evenly
    spaced.
    """
    texts = {value_as_yaml(value): value for value in values}
    if is_numeric(list(texts.values())) and all(map(_has_a_place, texts.values())):
        places = {text: float(value) for text, value in texts.items()}
        if wants_log_axis(list(places.values())):
            return _on_log_axis(axes, places)
        in_order = sorted(places, key=places.__getitem__)
        positions = [places[text] for text in in_order]
        _set_ticks(axes, _apart(axes, in_order, positions), places)
        return places
    places = {text: float(index) for index, text in enumerate(texts)}
    _set_ticks(axes, list(texts), places)
    axes.set_xlim(-0.6, len(places) - 0.4)
    return places


def _has_a_place(value: float) -> bool:
    """Whether a value can be drawn on an axis, with a margin and other values around it."""
    return value == 0 or SMALLEST <= abs(value) <= LARGEST


def _on_log_axis(axes: Axes, places: dict[str, float]) -> dict[str, float]:
    positive = sorted(value for value in places.values() if value > 0)
    ratio = min(b / a for a, b in itertools.pairwise(positive) if b > a)
    zero = positive[0] / max(ratio, 3.0)
    placed = {text: value if value > 0 else zero for text, value in places.items()}
    axes.set_xscale("log")
    in_order = sorted(placed, key=placed.__getitem__)
    logarithms = [math.log10(placed[text]) for text in in_order]
    _set_ticks(axes, _apart(axes, in_order, logarithms), placed)
    axes.xaxis.set_minor_locator(NullLocator())
    least, most = min(placed.values()), max(placed.values())
    margin = (most / least) ** 0.08
    axes.set_xlim(least / margin, most * margin)
    return placed


def _apart(axes: Axes, texts: Sequence[str], places: Sequence[float]) -> list[str]:
    """Those of the texts, in the order of their positions, that fit side by side under the axis."""
    width = axes.get_position().width * style.WIDTH
    span = max(places[-1] - places[0], 1e-300)
    kept: list[str] = []
    free = -math.inf
    for text, place in zip(texts, places, strict=True):
        middle = (place - places[0]) / span * width * 0.86
        half = (len(text) + 1) * CHARACTER_WIDTH / 2
        if middle - half >= free:
            kept.append(text)
            free = middle + half
    return kept


def _set_ticks(axes: Axes, texts: Sequence[str], places: dict[str, float]) -> None:
    short = [without_middle(text, LABEL_CHARACTERS) for text in texts]
    axes.set_xticks([places[text] for text in texts], short, parse_math=False)
    if CHARACTER_WIDTH * sum(map(len, short)) > 0.8 * axes.get_position().width * style.WIDTH:
        axes.tick_params(axis="x", rotation=20)
        for label in axes.get_xticklabels():
            label.set_horizontalalignment("right")


def _draw_panel(
    axes: Axes,
    key: str,
    points: Sequence[SweepPoint],
    metric: SweepMetric,
    limits: tuple[float, float],
) -> None:
    here = [point for point in points if key in point.parameters]
    places = place_values(axes, ordered([point.parameters[key] for point in here]))
    x = np.array([places[value_as_yaml(point.parameters[key])] for point in here])
    spans = spans_of(here, metric)
    y = spans.mean
    complete = np.array([point.complete for point in here])
    style_of_points: Any = {"s": 26, "color": style.SPLIT_COLOURS[metric.name.split("_")[0]]}
    axes.vlines(x, spans.low, spans.high, color=style.FAINT, linewidth=1.0)
    style_of_points |= {"alpha": 0.75, "zorder": 3, "clip_on": False}
    shown = complete & _within(y, limits)
    axes.scatter(x[shown], y[shown], label="point", **style_of_points)
    best = np.max if metric.maximize else np.min
    lined = sorted(set(x[complete]))
    tops = [float(best(y[complete & (x == place)])) for place in lined]
    if len(lined) <= MOST_JOINED:
        axes.plot(lined, tops, color=style.INK, linewidth=1.2, zorder=2, label="best")
    axes.set_xlabel(key, parse_math=False)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6))
    axes.set_ylim(*limits)
