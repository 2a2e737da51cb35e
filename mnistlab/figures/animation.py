"""An animation of pictures, each under its words, as GIF and as PNG."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont

from mnistlab.figures import style
from mnistlab.store.written_files import BLANK_MARK

HEADING, LETTERS = 44, 20  # pixels: of the words' strip, and of their height
LEAST_WIDTH = 640  # pixels of a frame: room for the words
FRAME_MS, LAST_MS = 350, 2000
SHADES = 8  # of a colour, down to the paper's: for the edges of letters


@dataclass(frozen=True)
class Film:
    """Frames of one size and with one palette, and the words above each."""

    frames: Sequence[Image.Image]
    words: Sequence[str]

    @classmethod
    def of(
        cls, pictures: Sequence[Image.Image], words: Sequence[str], palette: Image.Image
    ) -> "Film":
        """The film of some pictures, in the colours of a palette."""
        made = [_frame(*one, palette) for one in zip(pictures, words, strict=True)]
        return cls(made, words)

    def gif(self) -> bytes:
        """An animated GIF, with mnistlab's mark as its comment."""
        return self._saved("GIF", comment=BLANK_MARK.encode(), disposal=1)

    def png(self) -> bytes:
        """An animated PNG."""
        return self._saved("PNG")

    def _saved(self, format: str, **options: object) -> bytes:
        file = io.BytesIO()
        first, *rest = self.frames
        durations = [FRAME_MS] * len(rest) + [LAST_MS]
        first.save(
            file, format, save_all=True, append_images=rest, duration=durations, loop=0, **options
        )
        return file.getvalue()


def blended(*colours: str) -> np.ndarray:
    """Shades of colours, from each to the paper's: uint8 (shades, 3)."""
    paper = np.array(ImageColor.getrgb(style.PAPER))
    shares = np.linspace(0, 1, SHADES)[:, None]
    shades = [paper * shares + np.array(ImageColor.getrgb(one)) * (1 - shares) for one in colours]
    return np.concatenate(shades).round().astype(np.uint8)


def palette_of(colours: np.ndarray) -> Image.Image:
    """A palette of up to 256 colours, uint8 (colours, 3)."""
    image = Image.new("P", (1, 1))
    image.putpalette(colours.tobytes())
    return image


def _frame(picture: Image.Image, words: str, palette: Image.Image) -> Image.Image:
    size = (max(picture.width, LEAST_WIDTH), picture.height + HEADING)
    frame = Image.new("RGB", size, style.PAPER)
    frame.paste(picture, (0, HEADING))
    font = ImageFont.load_default(LETTERS)
    ImageDraw.Draw(frame).text((8, HEADING // 2), words, style.INK, font, anchor="lm")
    return frame.quantize(palette=palette, dither=Image.Dither.NONE)
