"""A figure as SVG in a page: sharp at every size, in the page's colours, light or dark."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import Any

import matplotlib
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.transforms import Bbox

from mnistlab.figures import style
from mnistlab.figures.sheet import FRAME, FigureWords, HoverArea, areas_of
from mnistlab.pages.lean_svg import lean

RASTER_DPI = 240  # of raster parts: twice that of a PNG
# The page's colours of text and lines, light and dark.
OF_THE_PAGE = {
    style.INK: "--ink",
    style.FAINT: "--faint",
    style.GRID: "--line",
    FRAME: "--line",
    style.PAPER: "--page",
    style.WRONG: "--bad",
}
KEPT = {style.ON_LIGHT.lower(), style.ON_DARK.lower()}
DARK_PAGE = "#14171A"
CONTRAST = 3.5  # the smallest contrast of a colour with the dark page


@dataclass(frozen=True)
class InlineSvg:
    """The markup, and the colours to which it refers by `var(--c…)`, each a hex number."""

    markup: str
    width: float  # CSS pixels at full size
    colours: frozenset[str]


def inline_svg(figure: Figure, words: FigureWords, name: str) -> InlineSvg:
    """A figure without its heading and note, which the page has as text. Its ids begin
    with `name`.
    """
    width, height = figure.get_size_inches()
    content = io.StringIO()
    body = Bbox.from_bounds(0, 0, width, height - words.head)
    single: Any = {"image.composite_image": False}
    with style.drawing(), matplotlib.rc_context(single), _as_on_a_page(figure, words):
        figure.savefig(
            content,
            format="svg",
            bbox_inches=body,
            dpi=RASTER_DPI,
            transparent=True,
            metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")),
        )
    markup = content.getvalue()
    box = re.search(r'viewBox="([^"]+)"', markup)
    assert box is not None
    inside = markup[markup.index(">", markup.index("<svg")) + 1 : markup.rindex("</svg>")]
    inside = re.sub(r"<(metadata|style)\b.*?</\1>", "", inside, flags=re.DOTALL)
    colours: set[str] = set()
    inside = re.sub(r"\b(fill|stroke): #([0-9a-f]{6})", lambda m: _colour(m, colours), inside)
    inside = lean(re.sub(r"\n\s*", "\n", inside).strip(), name)
    areas = "".join(_area(area, height - words.head) for area in areas_of(figure))
    inside += f'<g class="areas">{areas}</g>' if areas else ""
    return InlineSvg(
        f'<svg role="img" viewBox="{box[1]}" aria-label="{escape(words.alt)}">{inside}</svg>',
        float(width) * 96,
        frozenset(colours),
    )


def _area(area: HoverArea, height: float) -> str:
    """An area as an invisible rectangle, in points from the upper left of a figure that is
    `height` inches high.
    """
    left, bottom, right, top = (72 * inches for inches in area.box)
    place = f'x="{left:.1f}" y="{72 * height - top:.1f}"'
    size = f'width="{right - left:.1f}" height="{top - bottom:.1f}"'
    cell = "" if area.cell is None else f' data-cell="{area.cell[0]},{area.cell[1]}"'
    return f'<rect {place} {size} data-lines="{escape(chr(10).join(area.lines))}"{cell}/>'


@contextmanager
def _as_on_a_page(figure: Figure, words: FigureWords) -> Iterator[None]:
    """Within this context, the figure has no heading, and its pictures are embedded
    pixel by pixel.
    """
    images = figure.findobj(AxesImage)
    before = [image.get_interpolation() for image in images]
    for image in images:
        image.set_interpolation("none")
    for text in words.head_texts:
        text.set_visible(False)
    try:
        yield
    finally:
        for image, interpolation in zip(images, before, strict=True):
            image.set_interpolation(interpolation)
        for text in words.head_texts:
            text.set_visible(True)


def _colour(match: "re.Match[str]", colours: set[str]) -> str:
    """Replace a colour by its name on the page, light and dark."""
    what, digits = match.groups()
    if f"#{digits}" in KEPT:
        return match[0]
    own = {colour.lower(): name for colour, name in OF_THE_PAGE.items()}.get(f"#{digits}")
    if own is not None:
        return f"{what}: var({own})"
    colours.add(digits)
    return f"{what}: var(--c{digits})"


def on_dark(digits: str) -> str:
    """A colour for a dark page: lighter, if it would not be visible there."""
    colour = to_rgb(f"#{digits}")
    page = _luminance(to_rgb(DARK_PAGE))
    for step in range(101):
        mixed = tuple(c + (1 - c) * step / 100 for c in colour)
        if (_luminance(mixed) + 0.05) / (page + 0.05) >= CONTRAST:
            break
    return "".join(f"{round(255 * c):02x}" for c in mixed)


def _luminance(colour: tuple[float, ...]) -> float:
    """The relative luminance of an sRGB colour, 0 to 1. Source: WCAG 2.2."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
