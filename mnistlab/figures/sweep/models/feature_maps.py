"""The feature maps of one image in a sweep's best models, side by side."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from mnistlab.experiment.artefacts import PART_NAMES
from mnistlab.figures import style
from mnistlab.figures.definition import FigureDefinition
from mnistlab.figures.sheet import MARGIN
from mnistlab.figures.side_by_side import CAPTION, ModelImages, draw_rows
from mnistlab.figures.sweep_data import BestModels
from mnistlab.support.errors import LackingError

BYTE = (0.0, 255.0)


def draw(models: BestModels) -> Figure:
    """One image in each model whose first layer with weights is a convolution."""
    with_maps = [(words, run, run.weighed_layers[0][0]) for words, run in models.runs]
    with_maps = [m for m in with_maps if m[1].model.tensors[f"{m[2]}.weight"].ndim == 4]
    if not with_maps:
        raise LackingError("no model begins with a convolution")
    first = with_maps[0][1]
    image = np.asarray(first.split.images[first.split.indices[:1]])
    shown = [
        ModelImages(words, run.model.activations(image, [layer])[layer][0])
        for words, run, layer in with_maps
    ]
    note = (
        f"The first of the {PART_NAMES[first.part]}: its feature maps after the first convolution "
        f"and its activation, for each of the {models.who}. Light is a high activation."
    )
    return feature_maps_side_by_side(image[0], shown, note, models.title)


FIGURE = FigureDefinition(
    order=20,
    title="One image in the {models}",
    how_to_read="Maps that are dark everywhere belong to inactive filters.",
    draw=draw,
)


def feature_maps_side_by_side(
    image: np.ndarray, models: Sequence[ModelImages], note: str, title: str
) -> Figure:
    """The feature maps of one image (rows, columns) in each model's first convolution."""
    scaled = [ModelImages(model.words, _to_one(model.images)) for model in models]
    limits = (0.0, 1.0)
    heading = "Feature maps of one image in each model"
    sheet, _ = draw_rows(scaled, (), heading, note, title, limits, style.SIZE)
    side = 0.75
    x = style.WIDTH - MARGIN - side
    height = sheet.picture(x, CAPTION, side, image, style.PICTURE, BYTE)
    sheet.frame((x, CAPTION, side, height))
    sheet.write(x, CAPTION / 2, "the image", size=style.SMALL, va="center")
    return sheet.figure


def _to_one(maps: np.ndarray) -> np.ndarray:
    """Each map (n, rows, columns) scaled to 0 … 1 on its own."""
    low = maps.min(axis=(1, 2), keepdims=True)
    span = np.ptp(maps, axis=(1, 2), keepdims=True)
    return (maps - low) / np.where(span == 0, 1, span)
