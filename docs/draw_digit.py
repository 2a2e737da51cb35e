"""Draw examples/digit.png, a sample picture for `mnistlab predict`: a three in ink on paper.

python -m docs.draw_digit
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

FILE = Path(__file__).parent.parent / "examples" / "digit.png"
SIDE, FINER = 320, 4  # pixels of the picture; how much finer the ink is drawn
PAPER, INK = (242, 236, 222), (38, 46, 92)
PEN = 13  # the width of a stroke, in pixels
# The stroke, from the upper end through the waist to the lower end.
STROKE = [
    (104, 92),
    (140, 72),
    (192, 82),
    (204, 120),
    (150, 150),
    (148, 152),
    (206, 172),
    (212, 222),
    (160, 252),
    (104, 236),
]


def picture() -> Image.Image:
    """The picture, RGB (SIDE, SIDE)."""
    ink = Image.new("L", (SIDE * FINER, SIDE * FINER))
    pen = ImageDraw.Draw(ink)
    radius = PEN * FINER / 2
    for x, y in curve(np.array(STROKE, float) * FINER):
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    ink = ink.resize((SIDE, SIDE), Image.Resampling.LANCZOS).filter(ImageFilter.GaussianBlur(0.8))
    amount = np.asarray(ink, float)[..., None] / 255
    light = np.linspace(1, 0.9, SIDE)[:, None, None]  # the paper is darker at the bottom
    colours = np.array(PAPER) * light * (1 - amount) + np.array(INK) * amount
    return Image.fromarray(np.clip(colours, 0, 255).astype(np.uint8))


def curve(points: np.ndarray, per_part: int = 200) -> np.ndarray:
    """A smooth curve (Catmull-Rom) through points (n, 2)."""
    ends = np.concatenate([points[:1], points, points[-1:]])
    t = np.linspace(0, 1, per_part)[:, None]
    parts = []
    for a, b, c, d in zip(ends, ends[1:], ends[2:], ends[3:], strict=False):
        parts.append(
            0.5
            * (
                2 * b
                + (c - a) * t
                + (2 * a - 5 * b + 4 * c - d) * t**2
                + (3 * b - a - 3 * c + d) * t**3
            )
        )
    return np.concatenate(parts)


if __name__ == "__main__":
    picture().save(FILE, optimize=True)
    print(FILE)
