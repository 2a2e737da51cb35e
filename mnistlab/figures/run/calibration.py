"""Reliability diagram: is a network with a confidence of 90 % correct in 90 % of the cases?"""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import NullLocator, PercentFormatter

from mnistlab.experiment.artefacts import PART_NAMES, Artefacts
from mnistlab.experiment.calibration import Calibration, calibration
from mnistlab.figures import style
from mnistlab.figures.definition import FigureDefinition
from mnistlab.figures.run_data import output_activation, run_name, says_probabilities
from mnistlab.figures.sheet import MARGIN, Sheet
from mnistlab.support.errors import LackingError
from mnistlab.support.text_format import in_print, percent

# With fewer images than this in a bin, the share is not reliable.
FEW = 10
PALE = 0.35  # the opacity of their bars
LEGEND_TOP, LEGEND_LINE, KEY_WIDTH = 0.25, 0.27, 0.26  # inches
DIAGONAL: Any = {"color": style.INK, "linestyle": (0, (4, 3)), "linewidth": 1.3}
GAP: Any = {"color": style.WRONG, "linewidth": 2.2}
DOT: Any = {"color": style.WRONG, "marker": "o", "markersize": 5}


def draw(run: Artefacts) -> Figure:
    if not says_probabilities(run):
        raise LackingError(f"its outputs ({output_activation(run)}) are not probabilities")
    found = run.predictions
    finite = np.isfinite(found.probabilities)
    if not finite.any():
        raise LackingError("its outputs are not finite")
    is_right = (found.labels == found.predicted)[finite]
    shares = calibration(found.probabilities[finite], is_right)
    return reliability_diagram(shares, PART_NAMES[run.part], run_name(run))


FIGURE = FigureDefinition(
    order=60,
    title="Calibration",
    how_to_read="Bars far from the line: do not read its outputs as probabilities.",
    draw=draw,
)


def reliability_diagram(found: Calibration, of: str, run: str) -> Figure:
    """Accuracy by confidence, and the number of images in each bin; `of`: "test images"."""
    bins = len(found.counts)
    edges = np.linspace(0, 1, bins + 1)
    middles = (edges[:-1] + edges[1:]) / 2
    filled = found.counts > 0
    heading = f"Expected calibration error (ECE): {in_print(percent(found.error))}"
    note = (
        f"{found.counts.sum():,} {of}, binned by the probability of the predicted class. On the "
        "dashed line, accuracy equals confidence. Below it the network is overconfident, above it "
        "underconfident."
    )
    sheet = Sheet(5.2, heading, note, run)
    width, left = 7.1, MARGIN + 0.75
    axes = sheet.panel(left, 0.1, width, 3.2)
    # Above the bars: they would hide it exactly where they are too short.
    axes.plot([0, 1], [0, 1], label="diagonal", zorder=2.5, **DIAGONAL)
    few = filled & (found.counts < FEW)
    for kind, alpha in ((filled & ~few, 1.0), (few, PALE)):
        heights, place = found.accuracy[kind], middles[kind]
        axes.bar(place, heights, 0.88 / bins, color=style.BAR, alpha=alpha, zorder=2)
    low = np.minimum(found.accuracy, found.confidence)[filled]
    high = np.maximum(found.accuracy, found.confidence)[filled]
    axes.vlines(found.confidence[filled], low, high, zorder=3, **GAP)
    points = found.confidence[filled], found.confidence[filled]
    axes.plot(*points, linestyle="none", zorder=4, clip_on=False, **DOT)
    axes.set_ylim(0, 1)
    axes.set_ylabel("accuracy")
    below = sheet.panel(left, 3.5, width, 1.05)
    below.bar(middles[filled], found.counts[filled], 0.88 / bins, color=style.FAINT)
    below.set_yscale("log")
    below.yaxis.set_minor_locator(NullLocator())
    below.set_ylim(0.7, 2.5 * found.counts.max())
    below.set_ylabel("images (log)")
    below.set_xlabel("confidence: probability of the predicted class")
    for panel in (axes, below):
        panel.set_xlim(0, 1)
        panel.set_xticks(edges[:: max(bins // 10, 1)])
        panel.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
        panel.grid(axis="x", visible=False)
    axes.tick_params("x", labelbottom=False)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
    told = [
        f"{accuracy:.0%} correct at a confidence of {confidence:.0%}".replace("%", " %")
        for accuracy, confidence in zip(
            found.accuracy[filled], found.confidence[filled], strict=True
        )
    ]
    sheet.describe(f"From the lowest bin to the highest: {'; '.join(told)}.")
    _explain(sheet, left + width + 0.35, bool(few.any()))
    return sheet.figure


def _explain(sheet: Sheet, x: float, has_few: bool) -> None:
    """Draw a legend right of the panel, with each mark as it is drawn."""
    canvas, middle = sheet.canvas, x + KEY_WIDTH / 2
    texts = ["accuracy of the bin"] + [f"of fewer than {FEW} images"] * has_few
    for number in range(1 + has_few):
        y = LEGEND_TOP + number * LEGEND_LINE
        alpha = (1.0, PALE)[number]
        canvas.add_patch(Rectangle((x, y - 0.07), KEY_WIDTH, 0.14, color=style.BAR, alpha=alpha))
    y = LEGEND_TOP + len(texts) * LEGEND_LINE
    canvas.plot([middle], [y], **DOT)
    texts.append("mean confidence of the bin")
    y += LEGEND_LINE
    canvas.vlines(middle, y - 0.1, y + 0.1, **GAP)
    texts.append("gap between the two")
    y += LEGEND_LINE
    canvas.plot([x, x + KEY_WIDTH], [y, y], **DIAGONAL)
    texts.append("accuracy = confidence")
    for number, text in enumerate(texts):
        y = LEGEND_TOP + number * LEGEND_LINE
        sheet.write(x + KEY_WIDTH + 0.1, y, text, size=style.SMALL, va="center")
