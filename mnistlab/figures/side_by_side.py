"""The models of a sweep side by side: a row of pictures for each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mnistlab.figures import style
from mnistlab.figures.sheet import MARGIN, Sheet
from mnistlab.support.text_format import without_middle

COLUMNS = 10
LEFT = 1.9  # inches, for a model's name
GAP, CAPTION = 0.08, 0.2
WORDS_CHARACTERS = 26  # in a line of a model's name


@dataclass(frozen=True)
class ModelImages:
    """One model in words, a list of lines, and its images (n, rows, columns); NaN is left white."""

    words: Sequence[str]
    images: np.ndarray


def draw_rows(
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
        words = "\n".join(without_middle(line, WORDS_CHARACTERS) for line in model.words)
        sheet.write(MARGIN, y + (step - GAP) / 2, words, va="center", linespacing=1.3)
        for column, image in enumerate(model.images[:most]):
            x = MARGIN + LEFT + column * (side + GAP)
            height = sheet.picture(x, y, side, image, colours, limits)
            sheet.frame((x, y, side, height))
    return sheet, step
