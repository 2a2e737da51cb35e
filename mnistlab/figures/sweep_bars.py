"""The points of a sweep as bars, with the values written on."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from mnistlab.config.dump import value_as_yaml
from mnistlab.figures import style
from mnistlab.figures.sweep_points import SweepMetric, SweepPoint, varied, write_title
from mnistlab.support.errors import LackingError
from mnistlab.support.text_format import exact

WIDTH, BAR_HEIGHT = 9.5, 0.28  # inches
TOP, BOTTOM = 0.75, 0.65
MAX_BARS = 40
LABEL_CHARACTERS = 60
CHARACTER_WIDTH = 0.068  # inches, of a label


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
    _write_values(axes, points, metric, ends)


def _write_values(
    axes: Any, points: Sequence[SweepPoint], metric: SweepMetric, ends: np.ndarray
) -> None:
    """Behind each bar, and behind its mark, what was measured; then what is stated, by its name."""
    rows = [(_measured(point, metric), _stated(point, metric)) for point in points]
    marks = [-math.inf if p.stated is None else p.stated * metric.factor for p in points]
    beyond = np.maximum(ends, marks)
    characters = max(len(measured) + len(stated) for measured, stated in rows) + 4
    width = axes.get_position().width * WIDTH
    share = min(CHARACTER_WIDTH * characters / width, 0.7)  # of the axes, for what is written
    axes.set_xlim(0, max(float(beyond.max()), 0.0) / (1 - share) or 1.0)
    if metric.is_share:  # there is nothing beyond 100 %
        axes.set_xticks([tick for tick in axes.get_xticks() if tick <= metric.factor])
    behind: Any = {
        "xytext": (6, 0),
        "textcoords": "offset points",
        "va": "center",
        "size": style.SMALL,
    }
    for row, (measured, stated) in enumerate(rows):
        written = axes.annotate(measured, (beyond[row], row), **behind)
        if stated:
            axes.annotate(stated, (1, 0.5), xycoords=written, color=style.FAINT, **behind)


def _measured(point: SweepPoint, metric: SweepMetric) -> str:
    text = metric.written(point.mean * metric.factor)
    if math.isfinite(point.std):
        text += f" ± {metric.written(point.std * metric.factor)}"
    # Behind the mark of what is stated, a number alone would be taken for the mark's.
    return text if point.stated is None else f"mean {text}"


def _stated(point: SweepPoint, metric: SweepMetric) -> str:
    return "" if point.stated is None else f"stated {exact(point.stated, int(metric.factor))}"


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
