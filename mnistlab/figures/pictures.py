"""Images under their labels: the most confident mistakes, images at random, what is confused."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from mnistlab.figures import style
from mnistlab.figures.sheet import CAPTION_LINE, CAPTION_SIZE, MARGIN, Sheet

COLUMNS = 10
PAIR_CHARACTERS = 22  # that fit beside a row of pictures
BYTE = (0.0, 255.0)
CAPTION_CHARACTERS = 17  # that fit under one, if barely
EASY_CHARACTERS = 14  # that fit with room to spare
GAP = 0.16  # inches between pictures


@dataclass(frozen=True)
class Read:
    """One image as it was read: pixels uint8 (rows, columns), its label, what was said of it."""

    image: np.ndarray
    label: str
    predicted: str
    output: str  # of the predicted class, in words: "98.2 %"

    @property
    def is_right(self) -> bool:
        return self.label == self.predicted


def read_images(images: Sequence[Read], heading: str, note: str, run: str) -> Figure:
    """A sheet of images, each with what it is and what it was read as; mistakes in their colour."""
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
        _draw(sheet, x, y, side, read)
        colour = style.RIGHT if read.is_right else style.WRONG
        for line, text in enumerate(caption):
            place = y + height + 0.03 + (line + 0.5) * CAPTION_LINE
            sheet.write(x, place, text, size=CAPTION_SIZE, color=colour, va="center")
    return sheet.figure


def _draw(sheet: Sheet, x: float, y: float, side: float, read: Read) -> None:
    height = sheet.picture(x, y, side, read.image, style.PICTURE, BYTE)
    sheet.frame((x, y, side, height))


def _caption(read: Read) -> list[str]:
    if read.is_right:
        return [fitted(read.label), read.output]
    together = f"{read.label}, read as {read.predicted}"
    if len(together) <= EASY_CHARACTERS:
        return [together, read.output]
    return [f"{fitted(read.label)},", fitted(f"as {read.predicted}"), read.output]


def fitted(text: str) -> str:
    """A text cut to what fits under a picture."""
    if len(text) <= CAPTION_CHARACTERS:
        return text
    return f"{text[: CAPTION_CHARACTERS - 1]}…"


@dataclass(frozen=True)
class Confusion:
    """Images of one class that were taken for another: how many, and some of them."""

    label: str
    predicted: str
    count: int
    of: int  # images of that class
    images: Sequence[Read]


def confused_pairs(pairs: Sequence[Confusion], note: str, run: str) -> Figure:
    """A row for each pair of classes that are confused, with pictures of it."""
    room = 2.3
    most = max(len(pair.images) for pair in pairs)
    side = 0.92
    first = pairs[0].images[0].image
    height = side * first.shape[0] / first.shape[1]
    step = height + CAPTION_LINE + GAP
    sheet = Sheet(len(pairs) * step + 0.1, "What is most often confused", note, run)
    for number, pair in enumerate(pairs):
        y = number * step
        words = f"{pair.label} read as {pair.predicted}"
        if len(words) > PAIR_CHARACTERS:
            words = f"{pair.label}\nread as {pair.predicted}"
        middle = y + height / 2
        sheet.write(MARGIN, middle, words, size=11, weight="bold", va="bottom", linespacing=1.15)
        share = f"{pair.count} of {pair.of:,} ({pair.count / pair.of:.1%})".replace("%", " %")
        sheet.write(MARGIN, middle + 0.13, share, size=style.MEDIUM, va="center")
        for place, read in enumerate(pair.images[:most]):
            x = MARGIN + room + place * (side + GAP)
            _draw(sheet, x, y, side, read)
            below = y + height + 0.03 + CAPTION_LINE / 2
            sheet.write(x, below, read.output, size=CAPTION_SIZE, color=style.WRONG, va="center")
    return sheet.figure
