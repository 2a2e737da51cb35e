"""Images with their labels and predictions as captions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from mnistlab.figures import style
from mnistlab.figures.sheet import CAPTION_LINE, CAPTION_SIZE, MARGIN, Sheet
from mnistlab.support.text_format import without_middle

COLUMNS = 10
SHEET_PICTURES = 30  # of mistakes, and of images at random
BYTE = (0.0, 255.0)
CAPTION_CHARACTERS = 17  # that just fit under one
EASY_CHARACTERS = 14  # that fit easily
GAP = 0.16  # inches between pictures


@dataclass(frozen=True)
class Read:
    """An image with its prediction: pixels uint8 (rows, columns), the label, the
    predicted class.
    """

    image: np.ndarray
    label: str
    predicted: str
    output: str  # of the predicted class, in words: "98.2 %"

    @property
    def is_right(self) -> bool:
        return self.label == self.predicted


def read_images(images: Sequence[Read], heading: str, note: str, run: str) -> Figure:
    """A sheet of images with true and predicted class; mistakes have a colour of their own."""
    captions = [_caption(read) for read in images]
    lines = max(map(len, captions))
    side = (style.WIDTH - 2 * MARGIN + GAP) / COLUMNS - GAP
    rows = -(-len(images) // COLUMNS)
    height = side * images[0].image.shape[0] / images[0].image.shape[1]
    step = height + lines * CAPTION_LINE + GAP
    sheet = Sheet(rows * step + 0.1, heading, note, run)
    for number, (read, caption) in enumerate(zip(images, captions, strict=True)):
        row, column = divmod(number, COLUMNS)
        x, y = MARGIN + column * (side + GAP), row * step
        draw_read(sheet, x, y, side, read)
        colour = style.RIGHT if read.is_right else style.WRONG
        for line, text in enumerate(caption):
            place = y + height + 0.03 + (line + 0.5) * CAPTION_LINE
            sheet.write(x, place, text, size=CAPTION_SIZE, color=colour, va="center")
    return sheet.figure


def draw_read(sheet: Sheet, x: float, y: float, side: float, read: Read) -> None:
    """Draw an image in its frame."""
    height = sheet.picture(x, y, side, read.image, style.PICTURE, BYTE)
    sheet.frame((x, y, side, height))


def _caption(read: Read) -> list[str]:
    if read.is_right:
        return [fitted(read.label), read.output]
    together = f"{read.label}, predicted {read.predicted}"
    if len(together) <= EASY_CHARACTERS:
        return [together, read.output]
    return [f"{fitted(read.label)},", fitted(f"as {read.predicted}"), read.output]


def fitted(text: str) -> str:
    """A text in the length that fits under a picture."""
    return without_middle(text, CAPTION_CHARACTERS)
