"""The confusion matrix."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from mnistlab.experiment.artefacts import PART_NAMES, Artefacts
from mnistlab.figures import style
from mnistlab.figures.class_ticks import HEIGHT, class_ticks, width_of
from mnistlab.figures.definition import FigureDefinition
from mnistlab.figures.run_data import counts_of, kept_classes, run_name
from mnistlab.figures.sheet import MARGIN, HoverArea, Sheet
from mnistlab.support.text_format import counted, in_print, percent

COUNTS_AND_SHARES, COUNTS = 12, 30  # up to so many classes, cells hold both / the counts
RIGHT_CELL, WRONG_CELL = "#8F959B", "#D0589A"
DEEP = 0.75  # from this opacity on, dark words are legible on a cell of a dark page


def draw(run: Artefacts) -> Figure:
    shown = _shown_classes(run)
    counts = counts_of(run)[np.ix_(shown, shown)]
    names = [run.class_names[i] for i in shown]
    return confusion_matrix(counts, names, PART_NAMES[run.part], run_name(run), shown)


FIGURE = FigureDefinition(
    order=20,
    title="Confusion matrix",
    how_to_read="A deep purple cell is a pair of classes that the network confuses.",
    draw=draw,
    is_quick=True,
)


def _shown_classes(run: Artefacts) -> list[int]:
    """The classes that the run was trained on, and any other class that it predicted."""
    return sorted({*kept_classes(run), *np.unique(run.predictions.predicted).tolist()})


def confusion_matrix(
    counts: np.ndarray,
    names: Sequence[str],
    of: str,
    run: str,
    numbers: Sequence[int] | None = None,
) -> Figure:
    """Counts and row per cent; `counts` (classes, classes), rows are the true class.

    `of` names the images: "test images". `numbers` are the classes', by default from 0.
    """
    total, classes = int(counts.sum()), len(counts)
    accuracy = np.trace(counts) / total
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    note = (
        f"{total:,} {of}. Rows: true class; columns: predicted class. Grey: correct; purple: "
        "misclassified. A deeper colour is a larger share of the row."
    )
    longest = max(map(len, names))
    left = 0.55 + 0.085 * max(longest, 2)
    bottom = 0.35 + (0.06 * longest if longest > 3 else 0.1)
    width = style.WIDTH - left - 2 * MARGIN
    height = min(max(0.52 * classes, 1.6), 7.5) if classes <= COUNTS_AND_SHARES else 7.5
    if classes < 6:
        width = min(width, 1.6 * classes)
    heading = f"Confusion matrix: accuracy {in_print(percent(accuracy))}"
    sheet = Sheet(0.1 + height + bottom + 0.25, heading, note, run)
    axes = sheet.panel(MARGIN + left, 0.1, width, height)
    cells = _cells(shares)
    axes.imshow(cells, aspect="auto", interpolation="nearest")
    axes.grid(False)
    for line in np.arange(0.5, classes - 1):
        axes.axhline(line, color=style.GRID, linewidth=0.6)
        axes.axvline(line, color=style.GRID, linewidth=0.6)
    room = width_of(names) if longest <= 3 else 2 * HEIGHT
    axes.set_xticks(*class_ticks(names, width, room), parse_math=False)
    axes.set_yticks(*class_ticks(names, height, HEIGHT), parse_math=False)
    if longest > 3:
        axes.tick_params("x", rotation=30)
        for label in axes.get_xticklabels():
            label.set_horizontalalignment("right")
            label.set_rotation_mode("anchor")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    sheet.describe(_seen(counts, names))
    for row, column in np.argwhere(counts > 0) if classes <= COUNTS else ():
        count, share = counts[row, column], in_print(percent(shares[row, column]))
        lines = (
            f"true {names[row]}, predicted {names[column]}",
            f"{counted(int(count), 'image')}, {share} of the row",
        )
        cell = (row, column) if numbers is None else (numbers[row], numbers[column])
        across, up = (column - 0.5, column + 0.5), (row - 0.5, row + 0.5)
        sheet.figure.areas.append(HoverArea(axes, lines, across, up, cell))
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    if classes <= COUNTS:
        for row, column in np.argwhere(counts > 0):
            text = f"{counts[row, column]:,}"
            if classes <= COUNTS_AND_SHARES:
                text += f"\n{100 * shares[row, column]:.1f} %"
            size = style.SMALL if classes <= COUNTS_AND_SHARES else 6.5
            words: Any = {"ha": "center", "va": "center", "size": size, "linespacing": 1.15}
            # Pale cells show the page, which may be dark; its ink is legible on them.
            colour = style.ON_LIGHT if cells[row, column, 3] >= DEEP else style.INK
            axes.text(column, row, text, color=colour, **words)
    return sheet.figure


def _seen(counts: np.ndarray, names: Sequence[str]) -> str:
    """The largest cells off the diagonal, in words."""
    wrong = counts * (1 - np.eye(len(counts), dtype=counts.dtype))
    largest = np.argsort(-wrong, axis=None, kind="stable")[:3]
    places = [divmod(int(place), len(counts)) for place in largest]
    told = [
        f"{names[true]} predicted as {names[said]}, {counts[true, said]:,} images"
        for true, said in places
        if wrong[true, said]
    ]
    return f"Most frequent mistakes: {'; '.join(told)}." if told else "No image is misclassified."


def _cells(shares: np.ndarray) -> np.ndarray:
    """Colours of the cells, (classes, classes, 4): correct and wrong cells have separate scales of
    opacity, so that an empty cell has the colour of the page.

    The scale of the wrong cells ends at the largest of them; otherwise they would all be pale.
    """
    diagonal = np.eye(len(shares), dtype=bool)
    strength = np.where(diagonal, shares, 0.0)
    wrong = np.where(diagonal, 0.0, shares)
    strength += (wrong / max(wrong.max(), 0.01)) ** 0.7
    ink = np.where(diagonal[..., None], to_rgb(RIGHT_CELL), to_rgb(WRONG_CELL))
    return np.concatenate([ink, strength[..., None]], axis=-1)
