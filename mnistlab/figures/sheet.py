"""A figure laid out in inches from its upper left corner: a heading, and content below it.

Pictures and their captions share one pair of axes: a hundred small axes would take matplotlib
seconds.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import StrMethodFormatter

from mnistlab.figures import style
from mnistlab.support.safe_text import as_unicode
from mnistlab.support.text_format import NO_BREAK, unbroken, without_middle

MARGIN = 0.35  # inches, left and right
HEADING_CHARACTERS = 58  # that fit beside the run's name
RUN_CHARACTERS = 44  # of that name
NOTE_LINE = 0.19  # inches, of one line of the note
NOTE_CHARACTERS = 138  # that fit in a line of it
CAPTION_LINE = 0.135  # inches, of one line of a caption
CAPTION_SIZE = 7.5  # points
FRAME = "#BDBDBD"


@dataclass
class FigureWords:
    """The words of a figure: a page writes them as text and draws only the rest.

    `head` is the height of the heading and the note, in inches, which `head_texts` draw. `alt`
    describes what the figure shows, for readers who cannot see it.
    """

    heading: str
    alt: str
    note: str = ""
    run: str = ""
    head: float = 0.0
    head_texts: Sequence[Text] = ()


@dataclass(frozen=True)
class HoverArea:
    """A part of a panel that tells something on a page when it is pointed at, in lines of text.

    `across` is its range on the x axis, `up` on the y axis; None: the whole height. `cell` is the
    true and the predicted class of the images that it stands for.
    """

    axes: Axes
    lines: tuple[str, ...]
    across: tuple[float, float]
    up: tuple[float, float] | None = None
    cell: tuple[int, int] | None = None

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, bottom, right and top in inches from the figure's lower left corner."""
        axes = self.axes
        low, high = self.up or axes.get_ylim()
        corners = [(self.across[0], low), (self.across[1], high)]
        dpi = axes.get_figure(root=True).dpi  # type: ignore[union-attr]
        (left, one), (right, other) = axes.transData.transform(corners) / dpi
        return float(left), float(min(one, other)), float(right), float(max(one, other))


class SheetFigure(style.ShownFigure):
    """A figure that has its words, and areas that tell more on a page."""

    words: FigureWords
    areas: list[HoverArea]


def areas_of(figure: Figure) -> list[HoverArea]:
    """The areas of a figure that tell something; none if it was not drawn on a sheet."""
    return figure.areas if isinstance(figure, SheetFigure) else []


def words_of(figure: Figure, title: str) -> FigureWords:
    """The words of a figure; if it was not drawn on a sheet, its title."""
    return figure.words if isinstance(figure, SheetFigure) else FigureWords(title, title)


def shortened(heading: str) -> str:
    """A heading, or as many of its words as fit beside the run's name; a phrase that has hardly
    begun is left out, too.
    """
    short = textwrap.shorten(heading, HEADING_CHARACTERS, placeholder=" …")
    whole, comma, begun = short.rpartition(", ")
    return f"{whole}, …" if comma and short != heading and len(begun) < len(whole) / 4 else short


class Sheet:
    """A figure being drawn. Lengths are in inches; x goes right, y down from the end of the
    heading.
    """

    def __init__(self, height: float, heading: str, note: str = "", run: str = "") -> None:
        """`height` is that of the part under the heading; `run` is written on the upper right."""
        wrapped = textwrap.wrap(unbroken(note), NOTE_CHARACTERS)
        lines = [line.replace(NO_BREAK, " ") for line in wrapped]
        self.top = 0.5 + NOTE_LINE * len(lines)
        self.height = self.top + height
        self.figure = SheetFigure(figsize=(style.WIDTH, self.height), dpi=style.DPI)
        FigureCanvasAgg(self.figure)
        self.canvas = self.figure.add_axes((0, 0, 1, 1), label="canvas")
        self.canvas.set_axis_off()
        self.canvas.set_xlim(0, style.WIDTH)
        self.canvas.set_ylim(height, -self.top)
        self.canvas.set_autoscale_on(False)
        self._write_heading(heading, lines, run)
        alt, texts = f"{heading}. {note}", list(self.canvas.texts)
        self.figure.words = FigureWords(heading, alt, note, run, self.top, texts)
        self.figure.areas = []

    def describe(self, seen: str) -> None:
        """Set the description of what the figure shows; without it, heading and note are used."""
        self.figure.words.alt = f"{self.figure.words.heading}. {seen}"

    def _write_heading(self, heading: str, lines: Sequence[str], run: str) -> None:
        bold: Any = {"size": style.LARGE, "weight": "bold", "va": "center"}
        self.write(MARGIN, 0.25 - self.top, shortened(heading), **bold)
        name = without_middle(run, RUN_CHARACTERS)
        right = style.WIDTH - MARGIN
        self.write(right, 0.25 - self.top, name, ha="right", va="center", color=style.FAINT)
        for number, line in enumerate(lines):
            y = 0.52 + NOTE_LINE * number - self.top
            self.write(MARGIN, y, line, size=style.MEDIUM, va="center")

    def write(self, x: float, y: float, text: str, **properties: Any) -> None:
        """Write text at a position; a dollar sign does not start a formula."""
        self.canvas.text(x, y, as_unicode(text), parse_math=False, **properties)

    def panel(self, x: float, y: float, width: float, height: float) -> Axes:
        """Axes whose box, without ticks and labels, has its upper left corner at (x, y)."""
        bottom = self.height - self.top - y - height
        box = (x / style.WIDTH, bottom / self.height, width / style.WIDTH, height / self.height)
        return self.figure.add_axes(box)

    def picture(
        self,
        x: float,
        y: float,
        width: float,
        values: np.ndarray,
        colours: str,
        limits: tuple[float, float],
    ) -> float:
        """Draw one array, (rows, columns) or (rows, columns, 3), NaN as white; return its
        height.
        """
        height = width * values.shape[0] / values.shape[1]
        self.canvas.imshow(
            values,
            cmap=matplotlib.colormaps[colours],
            vmin=limits[0],
            vmax=limits[1],
            extent=(x, x + width, y + height, y),
            aspect="auto",
            interpolation="nearest",
        )
        return height

    def frame(self, *boxes: tuple[float, float, float, float], colour: str = FRAME) -> None:
        """Draw a thin line around pictures; each box is (x, y, width, height)."""
        lines = [
            [(x, y), (x + width, y), (x + width, y + height), (x, y + height), (x, y)]
            for x, y, width, height in boxes
        ]
        width = 0.6 if colour == FRAME else 1.4
        self.canvas.add_collection(LineCollection(lines, colors=colour, linewidths=width))

    def scale(
        self,
        x: float,
        y: float,
        height: float,
        colours: str,
        limits: tuple[float, float],
        label: str,
        extend: str = "neither",
    ) -> None:
        """Draw a colour bar with its values."""
        axes = self.panel(x, y, 0.13, height)
        norm = Normalize(*limits)
        mappable = ScalarMappable(norm=norm, cmap=matplotlib.colormaps[colours])
        bar = self.figure.colorbar(mappable, cax=axes, extend=extend)
        bar.set_label(label, labelpad=5)
        bar.formatter = StrMethodFormatter("{x:.3g}")
        bar.ax.tick_params(labelsize=8)
        bar.outline.set_visible(False)
        # As vectors, its colours would be hundreds of shapes with gaps between them.
        assert bar.solids is not None
        bar.solids.set_rasterized(True)


def mosaic(images: np.ndarray, columns: int, gap: int) -> np.ndarray:
    """Images (n, rows, columns) side by side in one array, `gap` pixels of NaN between them."""
    count, height, width = images.shape
    rows = -(-count // columns)
    whole = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap), np.nan)
    for number, image in enumerate(images):
        row, column = divmod(number, columns)
        y, x = row * (height + gap), column * (width + gap)
        whole[y : y + height, x : x + width] = image
    return whole


def around_zero(values: np.ndarray, share: float = 0.999) -> tuple[tuple[float, float], str]:
    """Limits centred on zero that hold `share` of the values, and the ends of the scale that some
    values exceed.

    A few extreme values are left outside; otherwise all others would be nearly white.
    """
    sizes = np.abs(values[np.isfinite(values)])
    limit = float(np.quantile(sizes, share)) if sizes.size else 0.0
    if limit == 0:
        limit = float(sizes.max(initial=0.0)) or 1.0
    beyond_low, beyond_high = bool((values < -limit).any()), bool((values > limit).any())
    extend = {(0, 0): "neither", (1, 0): "min", (0, 1): "max", (1, 1): "both"}
    return (-limit, limit), extend[(beyond_low, beyond_high)]
