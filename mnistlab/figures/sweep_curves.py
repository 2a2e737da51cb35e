"""The learning curves of a sweep in one axis: a line for each point, a band for its seeds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter, StrMethodFormatter

from mnistlab.figures import style
from mnistlab.figures.line_labels import Label, write_labels
from mnistlab.figures.sheet import MARGIN, Sheet
from mnistlab.figures.sweep_points import LearningCurve, SweepMetric, near_the_best
from mnistlab.support.errors import LackingError
from mnistlab.support.text_format import without_middle

HEIGHT = 4.3  # inches, of the panel
COLOURS = (style.BLUE, style.VERMILLION, style.GREEN, style.PURPLE, style.ORANGE, style.SKY_BLUE)
DASHES: tuple[Any, ...] = ("-", (0, (5, 2)))
NAMED = len(COLOURS) * len(DASHES)  # points that have a colour and a name; the others are faint
LOG_SPAN = 50.0  # losses that span more are drawn on a log axis
NAME_CHARACTERS = 44
CHARACTER_WIDTH = 0.072  # inches, of a name


@dataclass(frozen=True)
class PointCurve:
    """A point of a sweep as drawn: the mean over its seeds and their standard deviation, zero if
    there is one seed; each array (rows,).
    """

    label: str
    x: np.ndarray
    mean: np.ndarray
    std: np.ndarray


def sweep_curves(
    curves: Sequence[LearningCurve],
    metric: SweepMetric,
    heading: str,
    run: str,
    *,
    log_epochs: bool = False,
) -> Figure:
    """The metric of every point by epoch; `curves` are ordered best first, a curve for each seed.

    `log_epochs` draws the epochs on a log axis.

    The best have colours, with their names at the ends of their lines. A diverged trial ends in a
    cross. Raises LackingError if nothing finite was measured.
    """
    drawn = [(curve, *_columns(curve, metric)) for curve in curves]
    drawn = [(curve, x, y) for curve, x, y in drawn if len(x)]
    if not drawn:
        raise LackingError("no trial has a finite value")
    whole = [(curve.label, x, y) for curve, x, y in drawn if not curve.diverged]
    diverged = [(x, y) for curve, x, y in drawn if curve.diverged]
    points = mean_curves(whole)
    seeds = len(whole) > len(points)
    near = _near(points, metric)
    note = _note(points, near, seeds, len(diverged))
    longest = max((len(_name(point.label)) for point in points[:NAMED]), default=0)
    with style.drawing():
        sheet = Sheet(HEIGHT + 0.85, heading, note, run)
        room = 0.45 + CHARACTER_WIDTH * max(longest, 8)
        width = style.WIDTH - 2 * MARGIN - 0.6 - room
        axes = sheet.panel(MARGIN + 0.6, 0.15, width, HEIGHT)
        labels = _draw_points(axes, points, metric)
        for x, y in diverged:
            axes.plot(x, y, color=style.FAINT, linewidth=0.8, linestyle=":", label="_diverged")
            cross: Any = {"marker": "X", "color": style.FAINT, "markersize": 7.0, "zorder": 6}
            axes.plot(x[-1:], y[-1:], linestyle="none", label="_end", clip_on=False, **cross)
        shown = [point.mean for point in near] or [y for _, _, y in drawn]
        bands = [edge for point in near for edge in _band(point, metric)]
        _set_axes(axes, shown, bands or shown, metric)
        _set_epochs(axes, np.unique(np.concatenate([x for _, x, _ in drawn])), is_log=log_epochs)
        write_labels(axes, labels)
        ends = [
            f"{point.label or 'the run'} ends at {point.mean[-1]:.4g}" for point in points[:NAMED]
        ]
        sheet.describe(f"{metric.label}, best first: {'; '.join(ends) or 'all diverged'}.")
    return sheet.figure


def mean_curves(
    curves: Sequence[tuple[str, np.ndarray, np.ndarray]],
) -> list[PointCurve]:
    """The mean and standard deviation over the curves (label, x, y) of each label, in the order of
    the labels, at the x that all curves of a label share.
    """
    by_label: dict[str, list[dict[float, float]]] = {}
    for label, x, y in curves:
        by_label.setdefault(label, []).append(dict(zip(x.tolist(), y.tolist(), strict=True)))
    found = []
    for label, seeds in by_label.items():
        shared = sorted(set.intersection(*map(set, seeds)))
        if not shared:
            continue
        values = np.array([[seed[x] for x in shared] for seed in seeds])
        std = values.std(axis=0, ddof=1) if len(seeds) > 1 else np.zeros(len(shared))
        found.append(PointCurve(label, np.array(shared), values.mean(axis=0), std))
    return found


def _near(points: Sequence[PointCurve], metric: SweepMetric) -> list[PointCurve]:
    """The points whose curves do not end far behind the best one: they set the limits
    of the axis.
    """
    if not points:
        return []
    near = near_the_best(np.array([point.mean[-1] for point in points]), metric)
    return [point for point, is_near in zip(points, near, strict=True) if is_near]


def _band(point: PointCurve, metric: SweepMetric) -> tuple[np.ndarray, np.ndarray]:
    """The lower and upper edge of a point's band: no share is below 0 or above 100 %, and no band
    leaves the sign of its line.
    """
    floor = np.minimum(point.mean, 0.0)
    ceiling = metric.factor if metric.is_share else np.inf
    low, high = point.mean - point.std, point.mean + point.std
    return np.maximum(low, floor), np.minimum(high, ceiling)


def _draw_points(axes: Axes, points: Sequence[PointCurve], metric: SweepMetric) -> list[Label]:
    """Draw the lines and bands of the points, best first; return the names of those
    that have one.
    """
    labels = []
    for place, point in enumerate(points):
        line: Any = {"color": style.FAINT, "linewidth": 0.8, "zorder": 2}
        if place < NAMED:
            colour, dashes = COLOURS[place % len(COLOURS)], DASHES[place // len(COLOURS)]
            width = 2.8 if place == 0 else 1.6
            line = {"color": colour, "linestyle": dashes, "linewidth": width}
            line["zorder"] = 3 + (NAMED - place) / NAMED
            labels.append(Label(point.x[-1], point.mean[-1], _name(point.label), colour))
            if point.std.any():
                low, high = _band(point, metric)
                axes.fill_between(point.x, low, high, color=colour, alpha=0.15, linewidth=0)
        marker = "o" if len(point.x) == 1 else ""
        axes.plot(point.x, point.mean, label="_point", marker=marker, **line)
    return labels


def _columns(curve: LearningCurve, metric: SweepMetric) -> tuple[np.ndarray, np.ndarray]:
    """Epochs and finite values as drawn, (rows,) each; the steps of an epoch are
    fractions of it.
    """
    steps = max((row.step for row in curve.rows), default=1)
    epochs = max((row.epoch for row in curve.rows), default=1)
    by_step = len({row.epoch for row in curve.rows}) < len(curve.rows)
    x = [row.step / steps * epochs if by_step else float(row.epoch) for row in curve.rows]
    y = [getattr(row, metric.name) for row in curve.rows]
    values = np.array(y, dtype=float) * metric.factor
    kept = np.isfinite(values)
    return np.array(x)[kept], values[kept]


def _set_axes(
    axes: Axes, means: Sequence[np.ndarray], bands: Sequence[np.ndarray], metric: SweepMetric
) -> None:
    """Set the range of the axis: it holds these lines and the edges of their bands, within 0 and
    100 %.
    """
    lowest, highest = float(min(map(np.min, means))), float(max(map(np.max, bands)))
    if not metric.is_share and lowest > 0 and highest > LOG_SPAN * lowest:
        axes.set_yscale("log")
        axes.set_ylim(lowest / 1.2, highest * 1.2)
    else:
        lowest = float(min(map(np.min, bands)))
        margin = 0.06 * (highest - lowest) or 0.05 * abs(highest) or 1.0
        ceiling = metric.factor if metric.is_share else np.inf
        axes.set_ylim(max(lowest - margin, min(lowest, 0.0)), min(highest + margin, ceiling))
    axes.set_xlabel("epoch")
    axes.set_ylabel(metric.label)


def _set_epochs(axes: Axes, epochs: np.ndarray, *, is_log: bool) -> None:
    """Set the ticks of the epochs. A single epoch has the only tick, in the middle of the axis."""
    if len(epochs) == 1:
        axes.set_xlim(epochs[0] - 0.5, epochs[0] + 0.5)
        axes.set_xticks(epochs, [f"{epochs[0]:,.4g}"])
    elif is_log:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 2, 5, 10], integer=True))


def _name(label: str) -> str:
    return without_middle(label, NAME_CHARACTERS) or "the run"


def _note(
    points: Sequence[PointCurve], near: Sequence[PointCurve], has_seeds: bool, diverged: int
) -> str:
    told = ["A line for each point; the best is the thick one."]
    if has_seeds:
        told = ["A line is the mean over a point's seeds, its band ± one standard deviation."]
        told.append("The best point has the thick line.")
    if len(points) > NAMED:
        told.append(f"Grey: {len(points) - NAMED} more points.")
    if len(near) < len(points):
        told.append("Curves that end far behind the best may lie outside the axis.")
    if diverged:
        told.append(f"Dotted, to a cross: {diverged} diverged.")
    return " ".join(told)
