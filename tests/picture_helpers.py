"""Digits drawn on pages and on synthetic photographs of paper, by a seed."""

from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from scipy import ndimage

FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
PLAIN_FONTS = ("DejaVuSans.ttf", "DejaVuSans-Oblique.ttf", "DejaVuSerif.ttf", "DejaVuSans-Bold.ttf")
PAPER, INK, BLUE_INK, RED_INK = (248, 244, 234), (25, 25, 30), (25, 45, 150), (175, 30, 35)
TABLE = (90, 60, 40)


def glyph(digit: int, size: int, font: str = PLAIN_FONTS[0]) -> Image.Image:
    """The digit only, cropped: mode L, 255 where it has ink."""
    drawn = Image.new("L", (3 * size, 3 * size))
    at, family = (1.5 * size, 1.5 * size), ImageFont.truetype(str(FONTS / font), size)
    ImageDraw.Draw(drawn).text(at, str(digit), 255, font=family, anchor="mm")
    return drawn.crop(drawn.getbbox())


def page(
    digit: int,
    *,
    size: int = 120,
    at: tuple[int, int] = (90, 60),
    shape: tuple[int, int] = (300, 400),
    ground: tuple[int, int, int] | int = 255,
    ink: tuple[int, int, int] | int = 0,
    font: str = PLAIN_FONTS[0],
) -> np.ndarray:
    """A digit on a uniform page of `shape` (height, width): uint8 (height, width, 3)."""
    image = Image.new("RGB", shape[::-1], _rgb(ground))
    mask = glyph(digit, size, font)
    image.paste(_rgb(ink), at, mask)
    return np.asarray(image)


def _rgb(colour):
    return colour if isinstance(colour, tuple) else (colour,) * 3


def random_page(digit: int, seed: int) -> np.ndarray:
    """A digit of random size, position, polarity, thickness and slant."""
    rng = np.random.default_rng(seed)
    height, width = rng.integers(200, 600, 2)
    size = int(min(height, width) * rng.uniform(0.3, 0.6))
    mask = glyph(digit, size, PLAIN_FONTS[int(rng.integers(len(PLAIN_FONTS)))])
    shear, margin = rng.uniform(-0.25, 0.25), mask.height
    wide = Image.new("L", (mask.width + margin, mask.height))
    wide.paste(mask, (margin // 2, 0))
    mask = wide.transform(
        wide.size,
        Image.Transform.AFFINE,
        (1, shear, -shear * mask.height / 2, 0, 1, 0),
        Image.Resampling.BICUBIC,
    )
    mask = mask.crop(mask.getbbox())
    grown = 2 * int(rng.integers(0, size // 50 + 1)) + 1
    mask = mask.filter(ImageFilter.MaxFilter(grown))
    is_dark = rng.integers(2)
    ground, ink = (235, 20) if is_dark else (25, 220)
    image = Image.new("L", (int(width), int(height)), ground)
    at = [
        int(rng.integers(3, extent - side - 3))
        for extent, side in zip(image.size, mask.size, strict=True)
    ]
    image.paste(ink, at, mask)
    return np.repeat(np.asarray(image)[..., None], 3, axis=2)


def photograph(
    page: np.ndarray, *, darkest: float = 0.5, angle: float = 0.6, grain: float = 4.0
) -> np.ndarray:
    """A page under light that decreases to one side, slightly out of focus, with grain."""
    rng = np.random.default_rng(0)
    height, width = page.shape[:2]
    y, x = np.mgrid[-0.5 : 0.5 : height * 1j, -0.5 : 0.5 : width * 1j]
    light = 1 - (1 - darkest) * np.clip(np.cos(angle) * x + np.sin(angle) * y + 0.5, 0, 1)
    blurred = ndimage.gaussian_filter(page.astype(float), (1, 1, 0))
    return _bytes(blurred * light[..., None] + grain * rng.standard_normal(page.shape))


def shadowed(photo: np.ndarray, share: float = 0.6, left: float = 0.45) -> np.ndarray:
    """A photograph with a sharp shadow over its right side."""
    values = photo.astype(float)
    values[:, int(left * photo.shape[1]) :] *= share
    return _bytes(values)


def on_table(photo: np.ndarray, margin: int, turned: float = 0.0) -> np.ndarray:
    """A photograph of a sheet on a table."""
    height, width = photo.shape[:2]
    whole = np.empty((height + 2 * margin, width + 2 * margin, 3))
    whole[:] = TABLE
    whole += 4 * np.random.default_rng(1).standard_normal(whole.shape)
    image = Image.fromarray(_bytes(whole))
    image.paste(Image.fromarray(photo), (margin, margin))
    return np.asarray(image.rotate(turned, Image.Resampling.BILINEAR, fillcolor=TABLE))


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(values, 0, 255)).astype(np.uint8)
