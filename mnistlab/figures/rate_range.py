"""The loss by learning rate of a range test, with the rates that it suggests."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mnistlab.figures import style
from mnistlab.figures.sheet import MARGIN, Sheet
from mnistlab.training.suggested_rate import RateRange

HEIGHT = 3.6  # inches, of the panel


def rate_range(found: RateRange, own: float, run: str) -> Figure:
    """The smoothed median loss, the losses of each seed behind it, and the rates as upright lines;
    `own` is the configuration's rate.
    """
    seeds = len(found.losses)
    note = (
        f"The rate rises in each of {len(found.rates)} steps. Thin: the loss of each batch, "
        f"{'one line for each of the ' if seeds > 1 else ''}{seeds} seed{'s' * (seeds > 1)}. "
        "Thick: their smoothed median."
    )
    heading = "Loss by learning rate"
    if found.suggested is not None:
        heading += f": {found.suggested:g} is suggested"
    with style.drawing():
        sheet = Sheet(HEIGHT + 0.8, heading, note, run)
        axes = sheet.panel(MARGIN + 0.6, 0.15, style.WIDTH - 2 * MARGIN - 0.7, HEIGHT)
        colour = style.SPLIT_COLOURS["train"]
        for losses in found.losses:
            axes.plot(found.rates, losses, color=colour, linewidth=0.6, alpha=0.35)
        axes.plot(found.rates, found.loss, color=colour, linewidth=2.4, zorder=3)
        _mark(axes, found, own)
        axes.set_xscale("log")
        axes.set_xlim(found.rates[0], found.rates[-1])
        axes.set_ylim(*_limits(found))
        axes.set_xlabel("learning rate")
        axes.set_ylabel("loss of a batch (mean per image)")
        sheet.describe(_seen(found))
    return sheet.figure


def _mark(axes: Axes, found: RateRange, own: float) -> None:
    """The rates, named in the lower left corner, where no curve is."""
    marks: list[tuple[float | None, str, Any]] = [
        (found.steepest, "steepest descent", {"color": style.ORANGE, "linestyle": "--"}),
        (found.suggested, "suggested", {"color": style.GREEN, "linestyle": "-"}),
        (found.edge, "edge of stability", {"color": style.VERMILLION, "linestyle": "--"}),
        (own, "the configuration's own", {"color": style.INK, "linestyle": ":"}),
    ]
    for rate, name, line in marks:
        if rate is not None:
            axes.axvline(rate, label=f"{name}: {rate:.2g}", linewidth=1.6, **line)
    axes.legend(loc="lower left", frameon=True, framealpha=1.0, edgecolor="none")


def _limits(found: RateRange) -> tuple[float, float]:
    """From below the lowest loss to a little above the first ones."""
    known = found.loss[np.isfinite(found.loss)]
    if not len(known):
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    span = max(high - low, 0.1 * abs(high), 1e-6)  # a flat curve is shown as one
    return low - 0.2 * span, high + 0.35 * span


def _seen(found: RateRange) -> str:
    if found.suggested is None or found.steepest is None:
        return "The loss does not fall at any rate."
    edge = "does not rise again" if found.edge is None else f"rises again at {found.edge:.2g}"
    return f"The loss falls most steeply at {found.steepest:.2g} and {edge}."
