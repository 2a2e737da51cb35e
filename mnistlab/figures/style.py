"""What all figures share: one colour per meaning, sizes, fonts, and how a figure is saved."""

import io
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from mnistlab.support.metric_names import PARTS

Item = TypeVar("Item")

# Okabe and Ito's palette, distinguishable with every common colour blindness.
BLUE = "#0072B2"
VERMILLION = "#D55E00"
GREEN = "#009E73"
PURPLE = "#CC79A7"
ORANGE = "#E69F00"
SKY_BLUE = "#56B4E9"
YELLOW = "#F0E442"
BLACK = "#000000"
PALETTE = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY_BLUE, YELLOW, BLACK)

SPLIT_COLOURS = {"train": BLUE, "val": VERMILLION, "test": GREEN}
SPLIT_NAMES = {part.prefix: part.word for part in PARTS}
# The network's prediction, right or wrong.
RIGHT, WRONG = "#262626", "#A2195B"
# Ten colours for ten classes: Paul Tol's "muted", the two palest darkened, and black. Each class
# also has its name written on it.
CLASS_COLOURS = (
    *("#332288", "#4FA8D8", "#44AA99", "#117733", "#999933"),
    *("#C99B1D", "#CC6677", "#882255", "#AA4499", "#000000"),
)
BAR = "#A9BCD0"
INK = "#262626"
PAPER = "#FFFFFF"
# Words on a picture keep their colour on a dark page, as the picture does.
ON_LIGHT, ON_DARK = "#252525", "#FEFEFE"
FAINT = "#8C8C8C"
GRID = "#E4E4E4"

# Pictures are black on white; signed values are blue below zero, white at zero, red above.
PICTURE, SIGNED, SIZE = "gray_r", "RdBu_r", "viridis"

WIDTH = 11.0  # inches, of every figure
DPI = 120  # pixels per inch of a PNG
SMALL, MEDIUM, LARGE = 9.0, 10.0, 13.0  # font sizes in points

RC: Any = {  # matplotlib's stubs want a Literal of every key
    "axes.axisbelow": True,
    "axes.edgecolor": FAINT,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": MEDIUM,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": MEDIUM,
    "axes.facecolor": "none",
    "figure.facecolor": PAPER,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": SMALL,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "lines.linewidth": 1.8,
    "pdf.fonttype": 42,
    "savefig.bbox": None,
    "savefig.dpi": DPI,
    # The ids of an SVG's parts are derived from this and not random.
    "svg.hashsalt": "mnistlab",
    "text.color": INK,
    "text.usetex": False,
    "xtick.color": FAINT,
    "xtick.labelcolor": INK,
    "xtick.labelsize": SMALL,
    "ytick.color": FAINT,
    "ytick.labelcolor": INK,
    "ytick.labelsize": SMALL,
}

# Otherwise these would write the time or the library's version into the file.
METADATA: Mapping[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


def drawing() -> AbstractContextManager[None]:
    """A context in which figures are drawn in our style; afterwards the user's settings are
    restored.
    """
    return matplotlib.rc_context(RC)


class ShownFigure(Figure):
    """A figure that is unknown to pyplot, and that a notebook shows nevertheless."""

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        """The figure as a PNG, and its width in CSS pixels."""
        return rendered(self), {"width": round(96 * self.get_figwidth())}


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, sizes in inches, that needs no display and is unknown to pyplot."""
    figure = ShownFigure(figsize=(width, height), dpi=DPI)
    FigureCanvasAgg(figure)
    return figure


def layer_colours(count: int) -> list[str]:
    """`count` colours for layers, from dark near the image to light near the output."""
    shares = [0.85 * layer / max(count - 1, 1) for layer in range(count)]
    return [to_hex(matplotlib.colormaps[SIZE](share)) for share in shares]


def rendered(figure: Figure, format: str = "png") -> bytes:
    """A figure as the bytes of a png, svg or pdf; the same figure gives the same bytes."""
    content = io.BytesIO()
    with drawing():
        figure.savefig(content, format=format, metadata=METADATA[format])
    return content.getvalue()


def spread(items: Sequence[Item], most: int) -> list[Item]:
    """The items; if there are more than `most`, that many, evenly spaced from the first to the
    last.
    """
    if len(items) <= most:
        return list(items)
    return [items[place * (len(items) - 1) // (most - 1)] for place in range(most)]
