"""Weights as images: the choice of those to draw, and the weights of each class side by side."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from mnistlab.figures import style
from mnistlab.figures.sheet import MARGIN, Sheet, around_zero

SIGNS = "Red is positive, blue is negative, white is zero"
SCALE_ROOM = 1.15  # inches, right of the pictures, for the scale


def strongest(weights: np.ndarray, count: int) -> np.ndarray:
    """The indices of the `count` members of largest norm along the first axis, largest first."""
    norms = np.linalg.norm(weights.reshape(len(weights), -1).astype(np.float64), axis=1)
    return np.argsort(-norms, kind="stable")[:count]


def class_weights(
    weights: np.ndarray, names: Sequence[str], heading: str, note: str, run: str
) -> Figure:
    """One picture per class on one scale centred on zero; `weights` (classes, rows, columns)."""
    count, rows, width = weights.shape
    columns = min(5 if count <= 10 else 10, count)
    gap, caption = 0.14, 0.24
    side = min((style.WIDTH - 2 * MARGIN - SCALE_ROOM) / columns - gap, 1.8)
    height = side * rows / width
    sheet_rows = -(-count // columns)
    sheet = Sheet(sheet_rows * (height + caption + gap) + 0.15, heading, note, run)
    limits, extend = around_zero(weights)
    for number, (image, name) in enumerate(zip(weights, names, strict=True)):
        row, column = divmod(number, columns)
        x, y = MARGIN + column * (side + gap), row * (height + caption + gap)
        sheet.write(x, y + caption / 2, name, size=style.MEDIUM, va="center")
        sheet.picture(x, y + caption, side, image, style.SIGNED, limits)
        sheet.frame((x, y + caption, side, height))
    end = MARGIN + columns * (side + gap) + 0.1
    sheet.scale(end, caption, height, style.SIGNED, limits, "weight", extend)
    return sheet.figure
