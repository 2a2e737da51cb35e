"""The weights from the last hidden layer to each class, with the units ordered by the class for
which their weight is largest.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from mnistlab.experiment.artefacts import Artefacts
from mnistlab.figures import style
from mnistlab.figures.class_ticks import HEIGHT, class_ticks
from mnistlab.figures.definition import FigureDefinition
from mnistlab.figures.run_data import kept_classes, output_layer, run_name
from mnistlab.figures.sheet import MARGIN, Sheet, around_zero
from mnistlab.figures.weight_images import SCALE_ROOM, SIGNS, strongest
from mnistlab.support.errors import LackingError

UNITS = 300  # drawn at most: those with the largest weights
ROW_HEIGHT = 0.32  # inches, of a class
MOST_HEIGHT = 7.0


def draw(run: Artefacts) -> Figure:
    layer = output_layer(run)
    if len(run.weighed_layers) < 2:
        raise LackingError("it has no hidden layer")
    shown = kept_classes(run)
    weights = run.model.tensors[f"{layer}.weight"].T[shown]
    return output_weights(weights, [run.class_names[i] for i in shown], layer, run_name(run))


FIGURE = FigureDefinition(
    order=80,
    title="Hidden layer to classes",
    how_to_read="A class with a narrow block of red depends on few units.",
    draw=draw,
)


def by_preference(weights: np.ndarray) -> np.ndarray:
    """The units ordered by the class for which their weight is largest, within a class by that
    weight, largest first; `weights` (classes, units).
    """
    return np.lexsort((-weights.max(axis=0), weights.argmax(axis=0)))


def output_weights(weights: np.ndarray, names: Sequence[str], layer: str, run: str) -> Figure:
    """A row for each class, a column for each hidden unit; `weights` (classes, units)."""
    count = weights.shape[1]
    drawn = weights[:, strongest(weights.T, UNITS)]
    drawn = drawn[:, by_preference(drawn)]
    which = f"{layer}: a column is one of its {count:,} inputs"
    if drawn.shape[1] < count:
        which = f"{layer}: a column is one of the {drawn.shape[1]} strongest of {count:,} inputs"
    note = f"{which}; the columns are ordered by the class to which they add most. {SIGNS}."
    heading = "Weights from the last hidden layer to each class"
    left = 0.55 + 0.085 * max(*map(len, names), 2)
    height = min(ROW_HEIGHT * len(names), MOST_HEIGHT)
    sheet = Sheet(height + 0.7, heading, note, run)
    axes = sheet.panel(MARGIN + left, 0.1, style.WIDTH - 2 * MARGIN - left - SCALE_ROOM, height)
    limits, extend = around_zero(drawn)
    look: Any = {"cmap": colormaps[style.SIGNED], "vmin": limits[0], "vmax": limits[1]}
    axes.imshow(drawn, aspect="auto", interpolation="nearest", **look)
    axes.grid(False)
    axes.set_yticks(*class_ticks(names, height, HEIGHT), parse_math=False)
    axes.set_xticks([])
    axes.tick_params(length=0)
    for edge in np.flatnonzero(np.diff(drawn.argmax(axis=0))):
        axes.axvline(edge + 0.5, color=style.FAINT, linewidth=0.6)
    axes.set_ylabel("class")
    axes.set_xlabel("hidden units, by the class that they prefer")
    bar = style.WIDTH - MARGIN - SCALE_ROOM + 0.25
    sheet.scale(bar, 0.1, min(height, 3.0), style.SIGNED, limits, "weight", extend)
    return sheet.figure
