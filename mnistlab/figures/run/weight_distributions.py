"""How large the weights of each layer are, and how many are zero."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from mnistlab.experiment.artefacts import Artefacts
from mnistlab.figures import style
from mnistlab.figures.definition import FigureDefinition
from mnistlab.figures.run_data import layer_weights, refuse_no_numbers, run_name
from mnistlab.figures.sheet import MARGIN, Sheet

FEWEST_BINS, MOST_BINS = 11, 81
# A weight below this changes the output hardly at all: L1 leaves many such weights.
SMALL = 1e-3
COLUMNS = 3
MOST_LAYERS = 24  # of more, so many are drawn


def draw(run: Artefacts) -> Figure:
    now, start = layer_weights(run.model.tensors), layer_weights(run.initial_tensors)
    refuse_no_numbers(now)
    return weight_distributions(now, start, run_name(run))


FIGURE = FigureDefinition(
    order=140,
    title="Weight distributions",
    how_to_read=(
        "L1 sets many weights to zero, a spike in the middle; L2 makes all weights smaller."
    ),
    draw=draw,
)


@dataclass(frozen=True)
class Distribution:
    """The sizes of one layer's weights, as shares of 1; `counts` has one bin between each two
    edges.
    """

    edges: np.ndarray
    counts: np.ndarray
    zero_share: float  # exactly zero
    small_share: float  # |w| < SMALL, zeros included
    std: float


def distribution(weights: np.ndarray, edges: np.ndarray | None = None) -> Distribution:
    """The distribution of an array of weights, in the given bins or in bins centred on zero.

    More weights give more bins; their number is always odd, so that zero is in the middle bin.
    """
    values = weights.ravel().astype(np.float64)
    if edges is None:
        limit = float(np.abs(values).max(initial=0.0)) or 1.0
        bins = int(np.clip(2 * math.sqrt(values.size), FEWEST_BINS, MOST_BINS)) | 1
        edges = np.linspace(-limit, limit, bins + 1)
    return Distribution(
        edges=edges,
        counts=np.histogram(values, edges)[0],
        zero_share=float((values == 0).mean()),
        small_share=float((np.abs(values) < SMALL).mean()),
        std=float(values.std()),
    )


def weight_distributions(
    weights: Mapping[str, np.ndarray], initial: Mapping[str, np.ndarray] | None, run: str
) -> Figure:
    """A histogram of each layer's weights, by its name, with its initial weights as a line."""
    layers = style.spread(list(weights), MOST_LAYERS)
    columns = 2 if len(layers) in (1, 2, 4) else COLUMNS
    rows = -(-len(layers) // columns)
    height, step = 2.2, 3.45
    note = "Bars: the trained weights, on a log axis."
    if initial is not None:
        note += " Line: the initial weights."
    if len(layers) < len(weights):
        note += f" Of {len(weights):,} layers, {len(layers)} are drawn."
    sheet = Sheet(rows * step + 0.1, "Distribution of the weights", note, run)
    width = (style.WIDTH - 2 * MARGIN) / columns
    for number, layer in enumerate(layers):
        values = weights[layer]
        row, column = divmod(number, columns)
        x, y = MARGIN + column * width, row * step
        found = distribution(values)
        sheet.write(x + 0.6, y + 0.12, layer, size=11, weight="bold", va="center")
        words = f"{values.size:,} weights, std {found.std:.3g}"
        sheet.write(x + 0.6, y + 0.34, words, va="center")
        words = f"exactly zero {_percent(found.zero_share)}; |w| < 0.001: "
        sheet.write(x + 0.6, y + 0.53, words + _percent(found.small_share), va="center")
        axes = sheet.panel(x + 0.6, y + 0.7, width - 0.8, height)
        _draw_histogram(axes, found, None if initial is None else initial[layer])
        if column == 0:
            axes.set_ylabel("weights")
    return sheet.figure


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _draw_histogram(axes: Axes, found: Distribution, initial: np.ndarray | None) -> None:
    axes.stairs(found.counts, found.edges, fill=True, baseline=0.1, color=style.BAR)
    highest = found.counts.max()
    if initial is not None:
        before = distribution(initial, found.edges).counts
        axes.stairs(before, found.edges, color=style.INK, linewidth=1.2, baseline=None)
        highest = max(highest, before.max())
    axes.set_yscale("log")
    axes.set_ylim(0.7, 2.0 * highest)
    axes.yaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, symmetric=True))
    axes.set_xlabel("weight")
