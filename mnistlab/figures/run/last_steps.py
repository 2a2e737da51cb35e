"""How a run diverged: its loss and its updates, step by step, up to the step that
was not finite.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, StrMethodFormatter

from mnistlab.experiment.artefacts import Artefacts
from mnistlab.figures import style
from mnistlab.figures.definition import FigureDefinition
from mnistlab.figures.line_labels import Label, write_labels
from mnistlab.figures.sheet import Sheet
from mnistlab.store.metrics import StepRow, blow_up
from mnistlab.support.errors import DoesNotApplyError

AXIS_WIDTH, LABEL_WIDTH = 0.95, 1.6  # inches: left of each panel, right of the last
PANEL_TOP, PANEL_HEIGHT = 0.3, 3.1
LOG_SPAN = 50.0  # losses that span more have a log axis
MANY_POINTS = 40  # above this a line's points are no longer marked
MOST_LAYERS = 8  # if there are more, this many are drawn


def draw(run: Artefacts) -> Figure:
    if not run.last_steps:
        raise DoesNotApplyError("the run did not diverge")
    return last_steps(run.last_steps, run.config.name)


FIGURE = FigureDefinition(
    order=5,
    title="How the run diverged",
    how_to_read=(
        "An update as large as the weights (1) replaces what was learned; try a smaller learning "
        "rate, a warm-up, or another initialisation."
    ),
    draw=draw,
    of_network=False,
    is_quick=True,
)


def last_steps(rows: Sequence[StepRow], run: str) -> Figure:
    """The loss and the updates of the last steps; a row for each step and layer."""
    steps = sorted({row.step for row in rows})
    broke, blow = first_not_finite(rows), blow_up(rows)
    heading = "How the run diverged"
    note = f"Steps {steps[0]:,} to {steps[-1]:,}, one by one."
    if broke is not None:
        heading += f": no finite value from step {broke:,}"
        note += f" Dotted: step {broke:,}, in which a value was first not finite."
    if blow is not None:
        note += (
            f" Ring: in step {blow.step:,} the update of {blow.layer} is {blow.update:.3g} times "
            "as large as its weights."
        )
    sheet = Sheet(PANEL_TOP + PANEL_HEIGHT + 0.6, heading, note, run)
    width = (style.WIDTH - 2 * AXIS_WIDTH - LABEL_WIDTH) / 2
    for number, panel in enumerate((_draw_losses, _draw_updates)):
        left = AXIS_WIDTH + number * (width + AXIS_WIDTH)
        panel(sheet.panel(left, PANEL_TOP, width, PANEL_HEIGHT), rows)
    return sheet.figure


def loss_by_step(rows: Sequence[StepRow]) -> tuple[np.ndarray, np.ndarray]:
    """Steps and losses, (steps,) each; a loss that is not finite is NaN."""
    losses = {row.step: row.loss for row in rows}
    values = np.array(list(losses.values()), dtype=float)
    values[~np.isfinite(values)] = np.nan
    return np.array(list(losses), dtype=float), values


def first_not_finite(rows: Sequence[StepRow]) -> int | None:
    """The step in which a loss or an update was first not finite; None if all were finite."""
    for row in rows:
        if not all(v is not None and np.isfinite(v) for v in (row.loss, row.update)):
            return row.step
    return None


def _draw_losses(axes: Axes, rows: Sequence[StepRow]) -> None:
    """The loss of each batch, up to the first that is not finite."""
    steps, losses = loss_by_step(rows)
    marker = "o" if len(steps) <= MANY_POINTS else ""
    line: Any = {"color": style.SPLIT_COLOURS["train"], "marker": marker, "markersize": 4}
    axes.plot(steps, losses, label="loss", zorder=3, **line)
    finite = losses[np.isfinite(losses)]
    if len(finite) and finite.min() > 0 and finite.max() > LOG_SPAN * finite.min():
        _log_axis(axes)
    axes.set_title("loss of each batch", loc="left")
    axes.set_ylabel("loss (mean per image)")
    _mark_end(axes, rows, steps)


def _draw_updates(axes: Axes, rows: Sequence[StepRow]) -> None:
    """The update of each layer as a share of its weights; the largest one is marked."""
    layers = style.spread(list(dict.fromkeys(row.layer for row in rows)), MOST_LAYERS)
    labels = []
    is_log = any(row.update is not None and row.update > 0 for row in rows)
    for layer, colour in zip(layers, style.layer_colours(len(layers)), strict=True):
        mine = [row for row in rows if row.layer == layer]
        steps = np.array([row.step for row in mine], dtype=float)
        updates = np.array([row.update for row in mine], dtype=float)
        updates[~np.isfinite(updates) | ((updates <= 0) & is_log)] = np.nan
        marker = "o" if len(steps) <= MANY_POINTS else ""
        axes.plot(steps, updates, color=colour, marker=marker, markersize=4, label=layer)
        shown = np.flatnonzero(np.isfinite(updates))
        if len(shown):
            last = shown[-1]
            labels.append(Label(steps[last], updates[last], layer, colour))
    if is_log:
        _log_axis(axes)
    blow = blow_up(rows)
    if blow is not None and blow.layer in layers:
        ring: Any = {"marker": "o", "markersize": 11, "markeredgewidth": 1.6, "linestyle": "none"}
        ring |= {"markerfacecolor": "none", "markeredgecolor": style.WRONG}
        axes.plot([blow.step], [blow.update or 0.0], label="blow-up", zorder=4, **ring)
    axes.set_title("update of each layer / its weights", loc="left")
    axes.set_ylabel("norm of the update / norm of the weights")
    _mark_end(axes, rows, np.array([row.step for row in rows], dtype=float))
    write_labels(axes, labels)


def _log_axis(axes: Axes) -> None:
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(numticks=7))
    axes.yaxis.set_minor_locator(NullLocator())


def _mark_end(axes: Axes, rows: Sequence[StepRow], steps: np.ndarray) -> None:
    broke = first_not_finite(rows)
    if broke is not None:
        axes.axvline(broke, color=style.INK, linestyle=":", linewidth=1.4, label="diverged")
    margin = 0.03 * (steps[-1] - steps[0]) or 0.5
    axes.set_xlim(steps[0] - margin, steps[-1] + margin)
    axes.xaxis.set_major_locator(
        MaxNLocator(nbins=5, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1)
    )
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_xlabel("step")
