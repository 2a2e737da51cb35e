"""The weights of each class, unit or filter as images."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from mnistlab.experiment.artefacts import Artefacts
from mnistlab.figures import style
from mnistlab.figures.definition import FigureDefinition
from mnistlab.figures.run_data import (
    CONVOLUTIONS,
    kept_classes,
    layer_weights,
    output_layer,
    run_name,
)
from mnistlab.figures.sheet import MARGIN, Sheet, around_zero, mosaic
from mnistlab.figures.weight_images import SCALE_ROOM, SIGNS, class_weights, strongest

UNITS = 60  # drawn of a first layer
FILTERS, CHANNELS = 40, 16  # drawn of a convolution


def draw(run: Artefacts) -> Figure:
    """The first layer's weights by class or by unit, or the filters of every convolution."""
    tensors = run.model.tensors
    convolutions = [name for name, tensor in layer_weights(tensors).items() if tensor.ndim == 4]
    if convolutions:
        shown_layers = style.spread(convolutions, CONVOLUTIONS)
        kernels = {name: tensors[f"{name}.weight"] for name in shown_layers}
        return filters(kernels, run_name(run))
    (layer, seen), *_ = run.weighed_layers
    units = tensors[f"{layer}.weight"].T.reshape(-1, *seen[1:])
    if layer != output_layer(run):
        return unit_weights(units, run_name(run))
    shown = kept_classes(run)
    heading, names = "Weights of each class", [run.class_names[i] for i in shown]
    note = f"The weight of each pixel for each class. {SIGNS}."
    return class_weights(units[shown], names, heading, note, run_name(run))


FIGURE = FigureDefinition(
    order=70,
    title="Weights as images",
    how_to_read="Shapes were learned; noise is left from the initial weights.",
    draw=draw,
    is_quick=True,
)


def unit_weights(units: np.ndarray, run: str) -> Figure:
    """The units of largest norm of a first layer, on one scale; `units` (units, rows, columns)."""
    shown = strongest(units, UNITS)
    columns = min(12, len(shown))
    width = style.WIDTH - 2 * MARGIN - SCALE_ROOM
    picture = mosaic(units[shown], columns, gap=2)
    height = width * picture.shape[0] / picture.shape[1]
    if height > 9.0 or columns < 12:
        width = min(width * columns / 12, width * 9.0 / height)
        height = width * picture.shape[0] / picture.shape[1]
    which = f"The {len(shown)} of {len(units):,} units with the largest weights"
    if len(shown) == len(units):
        which = f"All {len(units)} units"
    note = f"{which}, in that order by row. {SIGNS}."
    sheet = Sheet(height + 0.25, "Weights of the first layer's units", note, run)
    limits, extend = around_zero(units[shown])
    sheet.picture(MARGIN, 0, width, picture, style.SIGNED, limits)
    _frame_tiles(sheet, MARGIN, 0.0, width, picture, units.shape[1:], 2)
    sheet.scale(MARGIN + width + 0.2, 0, min(height, 3.0), style.SIGNED, limits, "weight", extend)
    return sheet.figure


def filters(convolutions: Mapping[str, np.ndarray], run: str) -> Figure:
    """The filters of each convolution, by its name; weights (filters, channels, side, side)."""
    blocks = [_block(name, weights) for name, weights in convolutions.items()]
    note = f"A column is one filter, a row is one input channel. {SIGNS}."
    width = style.WIDTH - 2 * MARGIN - SCALE_ROOM
    heights, widths = [], []
    for _, picture, _, _ in blocks:
        shape = picture.shape
        widths.append(min(width, 5.0 * shape[1] / shape[0], 0.2 * shape[1]))
        heights.append(widths[-1] * shape[0] / shape[1])
    total = sum(max(height, 1.0) for height in heights) + 0.55 * len(blocks)
    sheet = Sheet(total + 0.1, "Filters of the convolutions", note, run)
    y = 0.0
    for (words, picture, side, drawn), width, height in zip(blocks, widths, heights, strict=True):
        sheet.write(MARGIN, y + 0.14, words, size=style.MEDIUM, va="center")
        limits, extend = around_zero(drawn)
        sheet.picture(MARGIN, y + 0.32, width, picture, style.SIGNED, limits)
        _frame_tiles(sheet, MARGIN, y + 0.32, width, picture, (side, side), 1)
        bar = MARGIN + width + 0.2
        sheet.scale(bar, y + 0.32, max(height, 0.95), style.SIGNED, limits, "weight", extend)
        y += max(height, 1.0) + 0.55
    return sheet.figure


def _block(name: str, weights: np.ndarray) -> tuple[str, np.ndarray, int, np.ndarray]:
    """One convolution: its words, the mosaic of its strongest filters, their side, and the values
    drawn.

    The filters of a single channel are laid out in rows of 20.
    """
    count, channels, side, _ = weights.shape
    chosen = np.sort(strongest(weights, FILTERS))
    seen = np.sort(strongest(weights.swapaxes(0, 1), CHANNELS))
    drawn = weights[chosen][:, seen]
    columns = min(len(chosen), 20) if channels == 1 else len(chosen)
    tiles = drawn.swapaxes(0, 1).reshape(-1, side, side)
    words = f"{name}: {_of(len(chosen), count, 'filter')}"
    if channels > 1:
        words += f" over {_of(len(seen), channels, 'channel')}"
    return f"{words}, {side} × {side}", mosaic(tiles, columns, gap=1), side, drawn


def _of(shown: int, count: int, noun: str) -> str:
    if shown < count:
        return f"the {shown} strongest of {count} {noun}s"
    return f"{count} {noun}" + ("s" if count != 1 else "")


def _frame_tiles(
    sheet: Sheet,
    x: float,
    y: float,
    width: float,
    picture: np.ndarray,
    tile: tuple[int, ...],
    gap: int,
) -> None:
    """A thin line around each tile of a mosaic that has one."""
    pixel = width / picture.shape[1]
    sides = pixel * tile[1], pixel * tile[0]
    boxes = [
        (x + column * pixel, y + row * pixel, *sides)
        for row in range(0, picture.shape[0], tile[0] + gap)
        for column in range(0, picture.shape[1], tile[1] + gap)
        if np.isfinite(picture[row, column])
    ]
    sheet.frame(*boxes)
