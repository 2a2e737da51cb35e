"""The models of a sweep side by side: their weights, and what they make of one image."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from mnistlab.figures import style
from mnistlab.figures.sheet import MARGIN, Sheet, around_zero

COLUMNS = 10
LEFT = 1.9  # inches, for a model's name
GAP, CAPTION = 0.08, 0.2
WORDS_CHARACTERS = 26  # of a model's name, a line
BYTE = (0.0, 255.0)


@dataclass(frozen=True)
class ModelImages:
    """One model in words, a line each, and its images (n, rows, columns); NaN is left white."""

    words: Sequence[str]
    images: np.ndarray


def weights_side_by_side(
    models: Sequence[ModelImages], captions: Sequence[str], note: str, title: str
) -> Figure:
    """A row for each model, on one scale centred on zero; `captions` name the columns, if any."""
    values = np.concatenate([model.images[:COLUMNS].ravel() for model in models])
    limits, extend = around_zero(values[np.isfinite(values)])
    sheet, step = _draw_rows(models, captions, "Weights side by side", note, title, limits)
    x = style.WIDTH - MARGIN - 0.6
    height = min(len(models) * step - GAP, 2.5)
    sheet.scale(x, CAPTION, height, style.SIGNED, limits, "weight", extend)
    return sheet.figure


def feature_maps_side_by_side(
    image: np.ndarray, models: Sequence[ModelImages], note: str, title: str
) -> Figure:
    """One image (rows, columns) as it leaves each model's first convolution, a row for each."""
    scaled = [ModelImages(model.words, _to_one(model.images)) for model in models]
    limits = (0.0, 1.0)
    heading = "What each model sees of one image"
    sheet, _ = _draw_rows(scaled, (), heading, note, title, limits, style.SIZE)
    side = 0.75
    x = style.WIDTH - MARGIN - side
    height = sheet.picture(x, CAPTION, side, image, style.PICTURE, BYTE)
    sheet.frame((x, CAPTION, side, height))
    sheet.write(x, CAPTION / 2, "the image", size=style.SMALL, va="center")
    return sheet.figure


def _draw_rows(
    models: Sequence[ModelImages],
    captions: Sequence[str],
    heading: str,
    note: str,
    title: str,
    limits: tuple[float, float],
    colours: str = style.SIGNED,
) -> tuple[Sheet, float]:
    """The sheet with a row of pictures for each model, and the height of one row."""
    most = min(COLUMNS, max(len(model.images) for model in models))
    room = style.WIDTH - 2 * MARGIN - LEFT - 0.95
    side = min(room / most - GAP, 1.1)
    tallest = max(model.images.shape[1] / model.images.shape[2] for model in models)
    step = max(side * tallest, 0.5) + GAP
    sheet = Sheet(CAPTION + len(models) * step + 0.15, heading, note, title)
    for column, caption in enumerate(captions[:most]):
        x = MARGIN + LEFT + column * (side + GAP)
        sheet.write(x, CAPTION / 2, caption, size=style.SMALL, va="center")
    for row, model in enumerate(models):
        y = CAPTION + row * step
        words = "\n".join(_cut(line) for line in model.words)
        sheet.write(MARGIN, y + (step - GAP) / 2, words, va="center", linespacing=1.3)
        for column, image in enumerate(model.images[:most]):
            x = MARGIN + LEFT + column * (side + GAP)
            height = sheet.picture(x, y, side, image, colours, limits)
            sheet.frame((x, y, side, height))
    return sheet, step


def _cut(line: str) -> str:
    return line if len(line) <= WORDS_CHARACTERS else f"{line[: WORDS_CHARACTERS - 1]}…"


def _to_one(maps: np.ndarray) -> np.ndarray:
    """Each map (n, rows, columns) on its own scale, 0 to 1."""
    low = maps.min(axis=(1, 2), keepdims=True)
    span = np.ptp(maps, axis=(1, 2), keepdims=True)
    return (maps - low) / np.where(span == 0, 1, span)
