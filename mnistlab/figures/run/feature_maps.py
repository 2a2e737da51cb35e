"""The feature maps of each convolution for a few images."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from mnistlab.experiment.artefacts import PART_NAMES, Artefacts
from mnistlab.figures import style
from mnistlab.figures.definition import FigureDefinition
from mnistlab.figures.run_data import CONVOLUTIONS, run_name, some_of_each
from mnistlab.figures.sheet import MARGIN, Sheet, mosaic
from mnistlab.support.errors import LackingError

MAPS = 16  # drawn for a convolution: those that vary most
BYTE = (0.0, 255.0)
IMAGES = 4


def draw(run: Artefacts) -> Figure:
    names = [spec.name for spec in run.model.inference.program.layers if spec.kind == "conv"]
    if not names:
        raise LackingError("it has no convolution")
    names = style.spread(names, CONVOLUTIONS)
    images, labels = some_of_each(run, IMAGES)
    maps = run.model.activations(images, names)
    classes = [run.class_names[i] for i in labels]
    return feature_maps(images, classes, maps, PART_NAMES[run.part], run_name(run))


FIGURE = FigureDefinition(
    order=90,
    title="Feature maps",
    how_to_read=(
        "A filter whose map is light along one kind of stroke detects it; a map that is dark "
        "everywhere belongs to an inactive filter."
    ),
    draw=draw,
)


def feature_maps(
    images: np.ndarray,
    labels: Sequence[str],
    maps: Mapping[str, np.ndarray],
    of: str,
    run: str,
) -> Figure:
    """A row for each image, a block for each convolution.

    `images` uint8 (n, rows, columns); `maps` has each layer's feature maps after the activation,
    (n, filters, rows, columns), by the layer's name; `of` names the images: "test images".
    """
    blocks = [(name, *_most_varied(values)) for name, values in maps.items()]
    columns = max(len(chosen) for _, chosen, _ in blocks)
    left = 0.95
    note = (
        f"{of.capitalize()}, the first of each class, and their feature maps after each "
        "convolution's activation. A column is one filter; light is a high activation. Each map "
        "has its own scale."
    )
    tile = (style.WIDTH - 2 * MARGIN - left) / max(columns, 8)
    heights = [tile * maps[name].shape[2] / maps[name].shape[3] for name, _, _ in blocks]
    total = sum(len(images) * height + 0.5 for height in heights)
    sheet = Sheet(total, "Feature maps of the convolutions", note, run)
    y = 0.0
    for (name, chosen, values), height in zip(blocks, heights, strict=True):
        count = maps[name].shape[1]
        words = f"{name}: {count} filters"
        if len(chosen) < count:
            words = f"{name}: the {len(chosen)} of {count} filters with the largest variance"
        sheet.write(MARGIN, y + 0.12, words, size=style.MEDIUM, va="center")
        y += 0.28
        _draw_inputs(sheet, y, height, images, labels)
        gap = max(1, values.shape[-1] // 14)
        picture = mosaic(values.reshape(-1, *values.shape[2:]), len(chosen), gap)
        share = picture.shape[1] / (picture.shape[1] + gap)
        sheet.picture(MARGIN + left, y, len(chosen) * tile * share, picture, style.SIZE, (0, 1))
        y += len(images) * height + 0.22
    return sheet.figure


def _draw_inputs(
    sheet: Sheet, y: float, height: float, images: np.ndarray, labels: Sequence[str]
) -> None:
    """Draw the images themselves, left of their rows."""
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        top = y + number * height
        side = 0.9 * min(height, 0.6) * image.shape[1] / image.shape[0]
        side = min(side, 0.6)
        x = MARGIN + 0.85 - side
        drawn = sheet.picture(x, top, side, image, style.PICTURE, BYTE)
        sheet.frame((x, top, side, drawn))
        short = label if len(label) <= 3 else ""
        sheet.write(MARGIN, top + drawn / 2, short, size=style.MEDIUM, va="center")


def _most_varied(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The indices of the filters whose maps vary most, in order, and the maps scaled to 0 … 1."""
    spread = values.astype(np.float64).std(axis=(0, 2, 3))
    chosen = np.sort(np.argsort(-spread, kind="stable")[:MAPS])
    drawn = values[:, chosen].astype(np.float64)
    low = drawn.min(axis=(0, 2, 3), keepdims=True)
    span = drawn.max(axis=(0, 2, 3), keepdims=True) - low
    return chosen, (drawn - low) / np.where(span == 0, 1, span)
