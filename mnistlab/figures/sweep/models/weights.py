"""The weights of a sweep's best models side by side."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from mnistlab.figures import style
from mnistlab.figures.definition import FigureDefinition
from mnistlab.figures.sheet import MARGIN, around_zero
from mnistlab.figures.side_by_side import CAPTION, COLUMNS, GAP, ModelImages, draw_rows
from mnistlab.figures.sweep_data import BestModels
from mnistlab.figures.weight_images import strongest
from mnistlab.support.errors import LackingError


def draw(models: BestModels) -> Figure:
    """A row for each model: the weights of its classes, its strongest units, or its
    first filters.
    """
    shown, captions, kinds = [], [], set()
    for words, run in models.runs:
        name, seen = run.weighed_layers[0]
        weight = run.model.tensors[f"{name}.weight"]
        of_classes = len(run.weighed_layers) == 1
        if weight.ndim == 4:
            images = weight[:COLUMNS, 0]
        else:
            images = weight.T.reshape(-1, *seen[1:])
            images = images if of_classes else images[strongest(images, COLUMNS)]
        kinds.add("classes" if of_classes else "filters" if weight.ndim == 4 else "units")
        captions = run.class_names
        shown.append(ModelImages(words, images))
    if not shown:
        raise LackingError("no model has finished")
    what = {
        "classes": "each class's weights",
        "units": "the ten units of largest weights in the first layer",
        "filters": "the first ten filters",
    }
    shows = ", or ".join(what[kind] for kind in sorted(kinds))
    note = (
        f"A row for each of the {models.who}: {shows}; "
        "red is positive, blue is negative, white is zero. All have one scale."
    )
    return weights_side_by_side(shown, captions if kinds == {"classes"} else (), note, models.title)


FIGURE = FigureDefinition(
    order=10,
    title="Weights of the {models}",
    how_to_read="L1 sets most weights to zero (white); L2 makes all weights smaller (paler).",
    draw=draw,
)


def weights_side_by_side(
    models: Sequence[ModelImages], captions: Sequence[str], note: str, title: str
) -> Figure:
    """A row for each model, on one scale centred on zero; `captions` name the columns, if any."""
    values = np.concatenate([model.images[:COLUMNS].ravel() for model in models])
    limits, extend = around_zero(values[np.isfinite(values)])
    sheet, step = draw_rows(models, captions, "Weights side by side", note, title, limits)
    x = style.WIDTH - MARGIN - 0.6
    height = min(len(models) * step - GAP, 2.5)
    sheet.scale(x, CAPTION, height, style.SIGNED, limits, "weight", extend)
    return sheet.figure
