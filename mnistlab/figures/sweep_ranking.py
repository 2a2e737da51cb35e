"""The points of a sweep as dots with error bars, on an axis that separates the best ones."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mnistlab.figures import style
from mnistlab.figures.sheet import MARGIN, Sheet
from mnistlab.figures.sweep_points import (
    SweepMetric,
    SweepPoint,
    near_the_best,
    told_values,
    varied,
)
from mnistlab.support.errors import LackingError
from mnistlab.support.text_format import as_stated, in_print, without_middle

ROW_HEIGHT = 0.28  # inches
ABOVE, BELOW = 0.3, 0.65  # inches around the panel
MAX_POINTS = 40
LABEL_CHARACTERS = 56
CHARACTER_WIDTH = 0.072  # inches, of a label or a value
# A point, or the chance level, gets on the axis if this share of it more is enough.
NEAR_AXIS = 0.5


@dataclass(frozen=True)
class Spans:
    """Points as drawn, each array (points,): the mean, and the ends of its error bar."""

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


def ranking_dots(
    points: Sequence[SweepPoint],
    metric: SweepMetric,
    heading: str,
    run: str,
    *,
    labels: Sequence[str] | None = None,
    chance: float | None = None,
    is_ranking: bool = True,
) -> Figure:
    """A dot for each point, in the given order: its mean over seeds ± the standard deviation, both
    written on its right; a diamond is a stated value. `labels` name the points; otherwise their
    parameters do. `chance` is the accuracy of guessing, drawn among accuracies. `is_ranking`: the
    best point is marked.

    Raises LackingError if nothing was measured.
    """
    keys = varied(points) or list(dict.fromkeys(key for p in points for key in p.parameters))
    names = labels or [_label(point, keys) for point in points]
    named = zip(points, names, strict=True)
    measured = [
        (point, without_middle(name, LABEL_CHARACTERS))
        for point, name in named
        if math.isfinite(point.mean)
    ]
    if not measured:
        raise LackingError("nothing finite was measured")
    shown, ticks = zip(*measured[:MAX_POINTS], strict=True)
    spans = spans_of(shown, metric)
    if not metric.is_share:
        chance = None  # an accuracy has no place on the axis of a loss
    limits = axis_limits(shown, spans, metric, chance)
    if chance is not None and not limits[0] <= chance * metric.factor <= limits[1]:
        chance = None
    best = _best(spans, metric) if is_ranking and len(shown) > 1 else None
    note = _note(shown, spans, limits, best is not None, chance)
    if len(measured) > len(shown):
        note += f" The first {len(shown)} of {len(measured)} points."
    with style.drawing():
        height = ROW_HEIGHT * max(len(shown), 3)
        sheet = Sheet(ABOVE + height + BELOW, heading, note, run)
        left = MARGIN + 0.15 + CHARACTER_WIDTH * max(map(len, ticks))
        columns = _columns(shown, metric)
        room = sum(0.25 + CHARACTER_WIDTH * max(map(len, column)) for column in columns)
        axes = sheet.panel(left, ABOVE, style.WIDTH - MARGIN - left - room, height)
        if chance is not None:
            line: Any = {"color": style.FAINT, "linestyle": (0, (4, 3)), "linewidth": 1.1}
            axes.axvline(chance * metric.factor, label="chance", **line)
        _draw(axes, shown, spans, limits, metric, best)
        axes.set_yticks(range(len(shown)), ticks, parse_math=False)
        axes.set_ylim(len(shown) - 0.4, -0.6)
        axes.set_xlabel(metric.label)
        _write_columns(sheet, axes, columns, best)
        values = zip(ticks, columns[0][1:], strict=True)
        sheet.describe(f"From top to bottom: {'; '.join(f'{n}: {v}' for n, v in values)}.")
    return sheet.figure


def spans_of(points: Sequence[SweepPoint], metric: SweepMetric) -> Spans:
    """Means and error bars as drawn; no bar ends below zero or above 100 %."""
    mean = np.array([point.mean for point in points]) * metric.factor
    spread = np.nan_to_num([point.std for point in points]) * metric.factor
    ceiling = metric.factor if metric.is_share else math.inf
    low, high = np.minimum(mean, np.maximum(mean - spread, 0)), np.minimum(mean + spread, ceiling)
    return Spans(mean, low, high)


def axis_limits(
    points: Sequence[SweepPoint], spans: Spans, metric: SweepMetric, chance: float | None
) -> tuple[float, float]:
    """The lowest and highest value on the axis: those of points near the best one, the stated ones,
    then what is near these: other points, and the chance level; within 0 and 100 %.
    """
    near = near_the_best(spans.mean, metric)
    stated = [p.stated * metric.factor for p in points if p.stated is not None]
    low = min(float(spans.low[near].min()), *stated, math.inf)
    high = max(float(spans.high[near].max()), *stated, -math.inf)
    room = NEAR_AXIS * (high - low)
    beside = (low - room <= spans.mean) & (spans.mean <= high + room)
    low, high = min(low, *spans.low[beside]), max(high, *spans.high[beside])
    if low == high:
        around = 0.5 if metric.is_share else 0.05 * abs(high) or 0.5
        low, high = low - around, high + around
    length = high - low
    if chance is not None:
        level = chance * metric.factor
        if low - NEAR_AXIS * length <= level <= low:
            low, length = level, high - level
    low, high = low - 0.06 * length, high + 0.06 * length
    if metric.is_share or spans.low.min() >= 0:
        low = max(low, 0.0)
    return low, min(high, metric.factor) if metric.is_share else high


def _best(spans: Spans, metric: SweepMetric) -> int:
    return int(spans.mean.argmax() if metric.maximize else spans.mean.argmin())


def _note(
    points: Sequence[SweepPoint],
    spans: Spans,
    limits: tuple[float, float],
    has_best: bool,
    chance: float | None,
) -> str:
    seeds = max(len(point.values) for point in points)
    told = ["A dot is the value of one run."]
    if seeds > 1:
        told = [f"A dot is the mean of {seeds} seeds, its line ± one standard deviation."]
    if has_best:
        tied = sum(point.tied for point in points) > 1
        also = "; the half-filled ones cannot be told from it (95 %)" if tied else ""
        told.append(f"The best point is filled{also}.")
    if any(point.stated is not None for point in points):
        told.append("A diamond is the stated value.")
    if not all(point.complete for point in points):
        told.append("A cross: not every seed finished.")
    if ((spans.mean < limits[0]) | (spans.mean > limits[1])).any():
        told.append("An arrow: the value lies beyond the axis.")
    if chance is not None:
        told.append(f"Dashed line: the chance level, {100 * chance:.3g} %.")
    return " ".join(told)


def _draw(
    axes: Axes,
    points: Sequence[SweepPoint],
    spans: Spans,
    limits: tuple[float, float],
    metric: SweepMetric,
    best: int | None,
) -> None:
    colour = style.SPLIT_COLOURS[metric.name.split("_")[0]]
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(*limits)
    stated = [(p.stated * metric.factor, i) for i, p in enumerate(points) if p.stated is not None]
    look: Any
    if stated:
        look = {"marker": "D", "markersize": 8, "linestyle": "none", "zorder": 3}
        look |= {"markerfacecolor": "none", "markeredgecolor": style.ORANGE, "markeredgewidth": 1.6}
        axes.plot(*zip(*stated, strict=True), label="stated", clip_on=False, **look)
    for row, point in enumerate(points):
        mean, low, high = spans.mean[row], spans.low[row], spans.high[row]
        if not limits[0] <= mean <= limits[1]:
            inset = 0.012 * (limits[1] - limits[0])
            end, arrow = limits[0] + inset, "<"
            if mean > limits[1]:
                end, arrow = limits[1] - inset, ">"
            axes.plot(end, row, arrow, color=style.FAINT, label="beyond", clip_on=False)
            continue
        axes.plot([max(low, limits[0]), min(high, limits[1])], [row, row], color=colour, lw=1.4)
        dot: Any = {"markerfacecolor": colour if row == best else style.PAPER, "markersize": 6.5}
        if point.tied and best is not None and row != best:
            dot |= {"fillstyle": "left", "markerfacecolor": colour}
            dot |= {"markerfacecoloralt": style.PAPER}
        if not point.complete:
            dot = {"marker": "x", "markersize": 6.5}
        look = {"marker": "o", "color": colour, "zorder": 4, "markeredgewidth": 1.6} | dot
        axes.plot(mean, row, label="mean", clip_on=False, **look)


def _columns(points: Sequence[SweepPoint], metric: SweepMetric) -> list[list[str]]:
    """The text right of the panel: a heading and a value for each point."""
    seeded = any(math.isfinite(point.std) for point in points)
    measured = [metric.written(point.mean, point.std) for point in points]
    columns = [["mean ± sd" if seeded else "measured", *measured]]
    if any(point.stated is not None for point in points):
        stated = [
            "" if p.stated is None else in_print(as_stated(metric.name, p.stated)) for p in points
        ]
        columns.append(["stated", *stated])
    return columns


def _write_columns(
    sheet: Sheet, axes: Axes, columns: Sequence[Sequence[str]], best: int | None
) -> None:
    """Write the values in their own columns, where no mark can overlap them."""
    end = axes.get_position().x1 * style.WIDTH
    rows = len(columns[0]) - 1
    step = ROW_HEIGHT * max(rows, 3) / (rows + 0.2)  # as in the panel
    for column in columns:
        end += 0.25
        sheet.write(end, ABOVE - 0.12, column[0], color=style.FAINT, va="center")
        for row, text in enumerate(column[1:]):
            weight = "bold" if row == best else "normal"
            sheet.write(end, ABOVE + (row + 0.6) * step, text, va="center", weight=weight)
        end += CHARACTER_WIDTH * max(map(len, column))


def _label(point: SweepPoint, keys: Sequence[str]) -> str:
    """The parameters in which the point differs from the others."""
    return "  ".join(told_values(point.parameters, keys)) or "the run"
