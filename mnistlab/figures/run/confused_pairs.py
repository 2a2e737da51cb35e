"""The pairs of classes that are most often confused, with images of each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from mnistlab.experiment.artefacts import PART_NAMES, Artefacts
from mnistlab.figures import style
from mnistlab.figures.definition import FigureDefinition
from mnistlab.figures.pictures import GAP, Read, draw_read
from mnistlab.figures.run_data import counts_of, most_confident_mistakes, reads_of, run_name
from mnistlab.figures.sheet import CAPTION_LINE, CAPTION_SIZE, MARGIN, Sheet
from mnistlab.support.errors import LackingError

PAIRS, PAIR_PICTURES = 5, 7
PAIR_CHARACTERS = 22  # that fit beside a row of images


def draw(run: Artefacts) -> Figure:
    counts = counts_of(run)
    pairs = most_confused(counts, PAIRS)
    if not pairs:
        raise LackingError(f"none of its {PART_NAMES[run.part]} is misclassified")
    wrong = most_confident_mistakes(run)
    found = run.predictions
    shown = []
    for truth, said in pairs:
        mine = [i for i in wrong if (found.labels[i], found.predicted[i]) == (truth, said)]
        names = run.class_names
        reads = list(reads_of(run, mine[:PAIR_PICTURES]))
        count, of = int(counts[truth, said]), int(counts[truth].sum())
        shown.append(Confusion(names[truth], names[said], count, of, reads))
    note = (
        f"{PART_NAMES[run.part].capitalize()}: the pairs of classes with most mistakes. Under each "
        "picture: the output of the predicted class, the highest first."
    )
    return confused_pairs(shown, note, run_name(run))


FIGURE = FigureDefinition(
    order=30,
    title="Most confused pairs",
    how_to_read="Are these mistakes that a person would make?",
    draw=draw,
)


def most_confused(counts: np.ndarray, pairs: int) -> list[tuple[int, int]]:
    """The (label, predicted) pairs with the largest counts off the diagonal, largest first."""
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:pairs]
    places = [divmod(int(place), len(counts)) for place in order]
    return [(label, predicted) for label, predicted in places if wrong[label, predicted] > 0]


@dataclass(frozen=True)
class Confusion:
    """Images of one class that were predicted as another: their number, and some of them."""

    label: str
    predicted: str
    count: int
    of: int  # images of that class
    images: Sequence[Read]


def confused_pairs(pairs: Sequence[Confusion], note: str, run: str) -> Figure:
    """A row for each confused pair of classes, with images."""
    room = 2.3
    most = max(len(pair.images) for pair in pairs)
    side = 0.92
    first = pairs[0].images[0].image
    height = side * first.shape[0] / first.shape[1]
    step = height + CAPTION_LINE + GAP
    sheet = Sheet(len(pairs) * step + 0.1, "Most confused pairs", note, run)
    for number, pair in enumerate(pairs):
        y = number * step
        words = f"{pair.label} predicted as {pair.predicted}"
        if len(words) > PAIR_CHARACTERS:
            words = f"{pair.label}\nas {pair.predicted}"
        middle = y + height / 2
        sheet.write(MARGIN, middle, words, size=11, weight="bold", va="bottom", linespacing=1.15)
        share = f"{pair.count} of {pair.of:,} ({100 * pair.count / pair.of:.1f} %)"
        sheet.write(MARGIN, middle + 0.13, share, size=style.MEDIUM, va="center")
        for place, read in enumerate(pair.images[:most]):
            x = MARGIN + room + place * (side + GAP)
            draw_read(sheet, x, y, side, read)
            below = y + height + 0.03 + CAPTION_LINE / 2
            sheet.write(x, below, read.output, size=CAPTION_SIZE, color=style.WRONG, va="center")
    return sheet.figure
