"""Loss, accuracy and learning rate during a run's training."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import (
    LogLocator,
    MaxNLocator,
    NullLocator,
    StrMethodFormatter,
)

from mnistlab.experiment.artefacts import Artefacts
from mnistlab.figures import style
from mnistlab.figures.curve_values import (
    ACCURACY,
    LOSS,
    Quantity,
    curves_of,
    first_not_finite,
    in_words,
    values_of,
)
from mnistlab.figures.definition import FigureDefinition
from mnistlab.figures.line_labels import Label, write_labels
from mnistlab.figures.run_data import Rates, rates_by_step
from mnistlab.figures.sheet import HoverArea, Sheet
from mnistlab.store.metrics import MetricsRow
from mnistlab.support.errors import LackingError
from mnistlab.support.text_format import exact

PANEL_TOP, PANEL_HEIGHT = 0.3, 2.75  # inches
RATE_TOP, RATE_HEIGHT = 0.9, 0.95  # inches, below the panels, and of its own
AXIS_WIDTH = 0.85  # inches, left of each panel, for its axis
LABEL_WIDTH = 1.65  # inches, right of each panel, for the values written in
MOST_AREAS = 300  # of a panel, that tell the values of a row
MANY_POINTS = 30  # above this a line's points are no longer marked
# Losses that span more than this are drawn on a log axis. So are learning rates, except those that
# decay to nearly zero, as with a cosine: the last value would flatten all others.
LOSS_LOG_SPAN = 50.0
RATE_LOG_SPANS = (10.0, 2000.0)


def draw(run: Artefacts) -> Figure:
    reference = run.config.reference.model_dump() if run.config.reference else None
    name = run.config.name
    return learning_curves(run.evaluations, name, reference, rates_by_step(run))


FIGURE = FigureDefinition(
    order=10,
    title="Learning curves",
    how_to_read=(
        "A falling training loss with a rising validation loss is overfitting; a loss that jumps "
        "needs a smaller learning rate."
    ),
    draw=draw,
    of_network=False,
    is_quick=True,
)


def learning_curves(
    rows: Sequence[MetricsRow],
    run: str,
    reference: Mapping[str, Any] | None = None,
    rates: Rates | None = None,
    *,
    with_rates: bool = True,
) -> Figure:
    """Loss and accuracy of every measured split, and unless `with_rates` is false the learning rate
    beneath.

    By epoch, or by step if an epoch has several rows; drawn as far as values are finite.
    `reference` is the configuration's: each value for a drawn metric becomes a dashed line. `rates`
    are the learning rates of the steps; without them, those of the rows are drawn. Raises
    LackingError if no loss or accuracy is finite.
    """
    by_step = len({row.epoch for row in rows}) < len(rows)
    x = np.array([row.step if by_step else row.epoch for row in rows], dtype=float)
    unit = "step" if by_step else "epoch"
    quantities = [quantity for quantity in (LOSS, ACCURACY) if curves_of(rows, quantity)]
    if len(rows) == 1 and not rows[0].is_finite:
        raise LackingError("no epoch was finished")
    if not quantities:
        raise LackingError("no finite loss or accuracy was measured")
    with style.drawing():
        below = RATE_TOP + RATE_HEIGHT if with_rates else 0.0
        sheet = _sheet(rows, x, unit, run, below, bool(reference))
        full = style.WIDTH - AXIS_WIDTH - LABEL_WIDTH
        step = (full + AXIS_WIDTH + LABEL_WIDTH) / len(quantities)
        for number, quantity in enumerate(quantities):
            left, width = AXIS_WIDTH + number * step, step - AXIS_WIDTH - LABEL_WIDTH
            axes = sheet.panel(left, PANEL_TOP, width, PANEL_HEIGHT)
            _draw_panel(axes, x, rows, quantity, unit, reference or {})
            sheet.figure.areas += _areas(axes, x, rows, quantity)
        if with_rates:
            top = PANEL_TOP + PANEL_HEIGHT + RATE_TOP
            rate_panel = sheet.panel(AXIS_WIDTH, top, full, RATE_HEIGHT)
            drawn = _rates_of_rows(x, rows)
            if rates is not None:
                drawn = (rates.steps if by_step else rates.steps / rates.per_epoch), rates.values
            _draw_rate(rate_panel, x, *drawn, unit)
        sheet.describe(in_words(x, rows, quantities, unit))
    return sheet.figure


def _sheet(
    rows: Sequence[MetricsRow],
    x: np.ndarray,
    unit: str,
    run: str,
    below: float,
    has_stated: bool,
) -> Sheet:
    heading, note = "Learning curves", f"Loss and accuracy by {unit}"
    note += ", and the learning rate below." if below else "."
    diverged = first_not_finite(x, rows)
    if diverged is not None:
        heading += f": diverged by {unit} {diverged:,.0f}"
        note += f" From the dotted line on, at {unit} {diverged:,.0f}, values are not finite."
    if len(rows) > 1 and any(row.val_loss is not None for row in rows):
        note += " Ring: the best validation value."
    if has_stated:
        note += " Dashed: what a report states."
    return Sheet(PANEL_TOP + PANEL_HEIGHT + below + 0.55, heading, note, run)


def _draw_panel(
    axes: Axes,
    x: np.ndarray,
    rows: Sequence[MetricsRow],
    quantity: Quantity,
    unit: str,
    reference: Mapping[str, Any],
) -> None:
    curves = curves_of(rows, quantity)
    labels = []
    for split, y in curves.items():
        labels += _draw_curve(axes, x, y, split, quantity)
    if "val" in curves and len(rows) > 1:
        _mark_best(axes, x, curves["val"], quantity, unit)
    labels += _draw_stated(axes, x, quantity, reference)
    lowest = min(np.nanmin(y) for y in curves.values())
    highest = max(np.nanmax(y) for y in curves.values())
    if quantity is LOSS and lowest > 0 and highest > LOSS_LOG_SPAN * lowest:
        axes.set_yscale("log")
    if quantity is ACCURACY:
        # A small margin above 100 % for the markers; the axis does not extend further.
        low, high = axes.get_ylim()
        axes.set_ylim(max(low, -2.0), min(high, 100 + 0.03 * (100 - low)))
    diverged = first_not_finite(x, rows)
    if diverged is not None:
        axes.axvline(diverged, color=style.FAINT, linestyle=":", linewidth=1.4, label="diverged")
    _label_x(axes, x, unit, ticks=5)
    axes.set_ylabel(quantity.axis_label)
    # The width of the tick labels is known only after drawing; the axis label keeps its position.
    axes.yaxis.set_label_coords(-0.58 / (axes.get_position().width * style.WIDTH), 0.5)
    write_labels(axes, labels)


def _areas(
    axes: Axes, x: np.ndarray, rows: Sequence[MetricsRow], quantity: Quantity
) -> list[HoverArea]:
    """A column of the panel for each row, from halfway to the one before to halfway to the next."""
    curves = curves_of(rows, quantity)
    shown = np.array(style.spread(range(len(x)), MOST_AREAS))
    middles = (x[shown][1:] + x[shown][:-1]) / 2
    begin, end = axes.get_xlim()
    edges = [begin, *middles, end]
    found = []
    for i, left, right in zip(shown, edges, edges[1:], strict=False):
        told = [
            f"{style.SPLIT_NAMES[split]} {quantity.key} {quantity.written(y[i])}"
            for split, y in curves.items()
            if np.isfinite(y[i])
        ]
        lines = (f"epoch {rows[i].epoch:,}, step {rows[i].step:,}", *told)
        found.append(HoverArea(axes, lines, (left, right)))
    return found


def _draw_curve(
    axes: Axes, x: np.ndarray, y: np.ndarray, split: str, quantity: Quantity
) -> list[Label]:
    """Draw the line of one split, or its single marker; return its last value as a label."""
    colour = style.SPLIT_COLOURS[split]
    measured = np.isfinite(y)
    marker = {"train": "o", "val": "s", "test": "D"}[split] if measured.sum() <= MANY_POINTS else ""
    size = 7.0 if measured.sum() == 1 else 4.0
    width = 1.8 if marker else 1.2
    line: Any = {"color": colour, "linewidth": width, "marker": marker, "markersize": size}
    # Rows without a value are left out, so that a split measured every few rows is still one line.
    axes.plot(x[measured], y[measured], label=split, zorder=3, **line)
    last = np.flatnonzero(measured)[-1]
    text = f"{style.SPLIT_NAMES[split]} {quantity.written(y[last])}"
    return [Label(x[last], y[last], text, colour)]


def _mark_best(axes: Axes, x: np.ndarray, y: np.ndarray, quantity: Quantity, unit: str) -> None:
    """Draw a ring around the best validation point, and name the point above the panel."""
    measured = np.flatnonzero(np.isfinite(y))
    best = measured[quantity.best(y[measured])]
    colour = style.SPLIT_COLOURS["val"]
    ring: Any = {"marker": "o", "markersize": 11, "markeredgewidth": 1.5, "linestyle": "none"}
    ring |= {"markerfacecolor": "none", "markeredgecolor": colour}
    axes.plot(x[best], y[best], label="best", zorder=4, **ring)
    note = f"best validation {quantity.written(y[best])}, {unit} {x[best]:,.0f}"
    axes.set_title(note, loc="left", color=colour, size=style.SMALL)


def _draw_stated(
    axes: Axes, x: np.ndarray, quantity: Quantity, reference: Mapping[str, Any]
) -> list[Label]:
    """Draw a dashed line for each value of this panel that a report states."""
    labels = []
    for split, name in style.SPLIT_NAMES.items():
        value = reference.get(f"{split}_{quantity.key}")
        if isinstance(value, int | float) and math.isfinite(value):
            y = value * quantity.factor
            colour = style.SPLIT_COLOURS[split]
            axes.axhline(y, color=colour, linestyle=(0, (4, 3)), linewidth=1.2, label="stated")
            # As stated: no digits are added that the report does not give.
            figure = exact(value, int(quantity.factor))
            text = f"{name} stated {figure}{' %' if quantity is ACCURACY else ''}"
            labels.append(Label(x[-1], y, text, colour))
    return labels


def _label_x(axes: Axes, x: np.ndarray, unit: str, ticks: int) -> None:
    margin = 0.03 * (x[-1] - x[0]) or 0.5
    axes.set_xlim(x[0] - margin, x[-1] + margin)
    if len(x) == 1:
        axes.set_xticks(x)
    else:
        # Without min_n_ticks an axis of one epoch has ticks at parts of it, each written 0 or 1.
        locator = MaxNLocator(nbins=ticks, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1)
        axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_xlabel(unit)


def _rates_of_rows(x: np.ndarray, rows: Sequence[MetricsRow]) -> tuple[np.ndarray, np.ndarray]:
    rate = values_of(rows, "lr")
    measured = np.isfinite(rate)
    return x[measured], rate[measured]


def _draw_rate(axes: Axes, limits: np.ndarray, x: np.ndarray, rate: np.ndarray, unit: str) -> None:
    """Draw the learning rate, on a log axis if it varies much; x within `limits`."""
    marker = "o" if len(x) <= MANY_POINTS else ""
    axes.plot(x, rate, color=style.INK, marker=marker, markersize=3, lw=1.3)
    low, high = (rate.min(), rate.max()) if len(rate) else (0.0, 0.0)
    least, most = RATE_LOG_SPANS
    if low > 0 and least < high / low < most:
        axes.margins(y=0.15)
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(numticks=4))
        axes.yaxis.set_minor_locator(NullLocator())
    else:
        axes.set_ylim(0, (2.0 if low == high else 1.15) * high or 1.0)
        if low == high:
            axes.set_yticks([low] if len(rate) else [])
        else:
            axes.yaxis.set_major_locator(MaxNLocator(nbins=3))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:.3g}"))
    # A run of one row has rates of many steps: the axis ends at the row, and begins before it.
    first = min(limits[0], x[0]) if len(x) else limits[0]
    _label_x(axes, np.unique([first, limits[-1]]), unit, ticks=10)
    axes.set_title("learning rate", loc="left", size=style.MEDIUM)
