"""The points of a sweep as bars, with the values written on."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from mnistlab.config.dump import value_as_yaml
from mnistlab.errors import LackingError
from mnistlab.plots import style
from mnistlab.plots.sweep_points import SweepMetric, SweepPoint, varied, write_title

WIDTH, BAR_HEIGHT = 9.5, 0.28  # inches
TOP, BOTTOM = 0.75, 0.65
MAX_BARS = 40
LABEL_CHARACTERS = 60
CHARACTER_WIDTH = 0.068  # inches, of a label
NUMBER_WIDTH = 0.15  # of a number beside its bar, as a share of the longest bar


def bars(
    points: Sequence[SweepPoint],
    metric: SweepMetric,
    title: str,
    labels: Sequence[str] | None = None,
) -> Figure:
    """A bar for each point, in the order given: its mean over seeds, written on, and the standard
    deviation; a diamond is what a report states. `labels` name the points, otherwise told apart by
    their parameters.

    Raises LackingError where nothing was measured.
    """
    keys = varied(points) or list(dict.fromkeys(key for p in points for key in p.parameters))
    names = labels or [_label(point, keys) for point in points]
    named = zip(points, names, strict=True)
    measured = [(point, _cut(name)) for point, name in named if math.isfinite(point.mean)]
    if not measured:
        raise LackingError("nothing finite was measured")
    shown, ticks = zip(*measured[:MAX_BARS], strict=True)
    height = TOP + BOTTOM + BAR_HEIGHT * max(len(shown), 3)
    left = (0.3 + CHARACTER_WIDTH * max(map(len, ticks))) / WIDTH
    with style.drawing():
        figure = style.new_figure(WIDTH, height)
        write_title(figure, title)
        place = (left, BOTTOM / height, 0.97 - left, 1 - (TOP + BOTTOM) / height)
        axes = figure.add_axes(place)
        axes.grid(visible=False, axis="y")
        _draw(axes, shown, metric)
        axes.set_yticks(range(len(shown)), ticks, parse_math=False)
        axes.set_ylim(len(shown) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel(metric.label)
        notes = ["hatched: not every seed finished"] if not all(p.complete for p in shown) else []
        if len(measured) > len(shown):
            notes.append(f"the first {len(shown)} of {len(measured)} points")
        if notes:
            note = "; ".join(notes)
            figure.text(0.988, 1 - 0.15 / height, note, va="top", ha="right", color=style.FAINT)
    return figure


def _draw(axes: Any, points: Sequence[SweepPoint], metric: SweepMetric) -> None:
    y = np.arange(len(points))
    means = np.array([point.mean for point in points]) * metric.factor
    spread = np.array([point.std for point in points]) * metric.factor
    colour = style.SPLIT_COLOURS[metric.name.split("_")[0]]
    faint = ["" if point.complete else "////" for point in points]
    drawn = axes.barh(y, means, height=0.68, color=colour, label="mean")
    for bar, hatch in zip(drawn, faint, strict=True):
        bar.set_hatch(hatch)
    seeded = np.isfinite(spread)
    whiskers: Any = {"fmt": "none", "ecolor": style.INK, "elinewidth": 1.1, "capsize": 3}
    axes.errorbar(means[seeded], y[seeded], xerr=spread[seeded], **whiskers)
    stated = [(point.stated, i) for i, point in enumerate(points) if point.stated is not None]
    if stated:
        x = [value * metric.factor for value, _ in stated]
        rows = [row for _, row in stated]
        axes.plot(x, rows, "D", color=style.ORANGE, markersize=5, label="stated", zorder=4,
                  markeredgecolor="white", markeredgewidth=0.6)  # fmt: skip
        axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, frameon=False)
    ends = means + np.where(seeded, spread, 0.0)
    reach = max(float(ends.max()), *(value * metric.factor for value, _ in stated), 0.0)
    axes.set_xlim(0, reach * 1.17 or 1.0)
    for row, (mean, std) in enumerate(zip(means, spread, strict=True)):
        text = metric.written(mean)
        if math.isfinite(std):
            text += f" ± {metric.written(std)}"
        # Behind a diamond that it would cover, but beside its own bar where that is far from it.
        near = ends[row] + NUMBER_WIDTH * reach
        marks = [value * metric.factor for value, place in stated if place == row]
        beyond = [ends[row]] + [mark for mark in marks if mark < near]
        axes.annotate(text, (max(beyond), row), xytext=(6, 0), textcoords="offset points",
                      va="center", size=style.SMALL)  # fmt: skip


def _label(point: SweepPoint, keys: Sequence[str]) -> str:
    """What the point differs in from the others: the last parts of the keys, and the values."""
    told = [
        f"{key.rpartition('.')[2]} {value_as_yaml(point.parameters[key])}"
        for key in keys
        if key in point.parameters
    ]
    return "  ".join(told) or "the run"


def _cut(text: str) -> str:
    return text if len(text) <= LABEL_CHARACTERS else f"{text[: LABEL_CHARACTERS - 1]}…"
