"""The learning curves of all trials of a sweep in one axis."""

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mnistlab.figures import style
from mnistlab.figures.sweep_points import LearningCurve, SweepMetric, write_title
from mnistlab.support.errors import LackingError

WIDTH, HEIGHT = 9.5, 5.2  # inches
NAMED = 12  # curves that have a colour and a name; the others are drawn faintly
LOG_SPAN = 50.0  # losses that span more are drawn on a log axis
NAME_CHARACTERS = 44


def sweep_curves(curves: Sequence[LearningCurve], metric: SweepMetric, title: str) -> Figure:
    """The metric of every trial by epoch; `curves` are ordered best first.

    The best have colours, from dark to light, and stand in the legend; those of one label share
    both. A diverged trial ends in a cross. Raises LackingError where nothing finite was measured.
    """
    drawn = [(curve, *_columns(curve, metric)) for curve in curves]
    drawn = [(curve, x, y) for curve, x, y in drawn if len(x)]
    if not drawn:
        raise LackingError("no trial has a finite value")
    labels = [curve.label for curve, _, _ in drawn if not curve.diverged]
    named = list(dict.fromkeys(labels))[:NAMED]
    apart = len(set(labels)) == len(labels)
    colours = colormaps["viridis"](np.linspace(0.0, 0.92, max(len(named), 2)))
    with style.drawing():
        figure = style.new_figure(WIDTH, HEIGHT)
        write_title(figure, title)
        axes = figure.add_axes((0.085, 0.115, 0.52, 0.78))
        for curve, x, y in reversed(drawn):
            # One line stands out as the best where each has a name of its own.
            is_named = curve.label in named
            is_best = apart and named[:1] == [curve.label]
            colour = colours[named.index(curve.label)] if is_named else style.FAINT
            order = 3 if not is_named else 4 + is_best
            width = 2.6 if is_best else 1.5 if is_named else 0.8
            marker = "o" if len(x) == 1 else ""
            axes.plot(
                x, y, color=colour, linewidth=width, zorder=order, label="_trial", marker=marker
            )
            if curve.diverged:
                cross: Any = {"marker": "X", "color": style.VERMILLION, "markersize": 7.0}
                axes.plot(x[-1:], y[-1:], linestyle="none", label="_end", zorder=6, **cross)
        _set_axes(axes, [y for _, _, y in drawn], metric)
        entries: Any = {"loc": "upper left", "bbox_to_anchor": (1.02, 1.01), "frameon": False}
        handles = [Line2D([], [], color=colour) for colour in colours[: len(named)]]
        legend = axes.legend(handles, map(_name, named), title="best first", **entries)
        for text in legend.get_texts():
            text.set_parse_math(False)
        notes = _notes(drawn, named)
        if notes:
            axes.text(1.03, 0.0, notes, transform=axes.transAxes, color=style.FAINT, va="bottom")
    return figure


def _columns(curve: LearningCurve, metric: SweepMetric) -> tuple[np.ndarray, np.ndarray]:
    """Epochs and finite values as drawn, (rows,) each; steps of an epoch stand within it."""
    steps = max((row.step for row in curve.rows), default=1)
    epochs = max((row.epoch for row in curve.rows), default=1)
    by_step = len({row.epoch for row in curve.rows}) < len(curve.rows)
    x = [row.step / steps * epochs if by_step else float(row.epoch) for row in curve.rows]
    y = [getattr(row, metric.name) for row in curve.rows]
    values = np.array(y, dtype=float) * metric.factor
    kept = np.isfinite(values)
    return np.array(x)[kept], values[kept]


def _set_axes(axes: Any, columns: Sequence[np.ndarray], metric: SweepMetric) -> None:
    lowest, highest = min(map(np.min, columns)), max(map(np.max, columns))
    if not metric.is_share and lowest > 0 and highest > LOG_SPAN * lowest:
        axes.set_yscale("log")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel("epoch")
    axes.set_ylabel(metric.label)


def _name(label: str) -> str:
    return textwrap.shorten(label, NAME_CHARACTERS, placeholder=" …") or "the run"


def _notes(
    drawn: Sequence[tuple[LearningCurve, np.ndarray, np.ndarray]], named: Sequence[str]
) -> str:
    diverged = sum(curve.diverged for curve, _, _ in drawn)
    others = sum(curve.label not in named and not curve.diverged for curve, _, _ in drawn)
    notes = [f"faint: {others} more trials"] if others else []
    notes += [f"cross: {diverged} diverged"] if diverged else []
    return "\n".join(notes)
