"""Images drawn at random, with what the network says of them."""

import numpy as np
from matplotlib.figure import Figure

from mnistlab.experiment.artefacts import PART_NAMES, Artefacts
from mnistlab.figures.definition import FigureDefinition
from mnistlab.figures.pictures import SHEET_PICTURES, read_images
from mnistlab.figures.run_data import reads_of, run_name


def draw(run: Artefacts) -> Figure:
    total = len(run.predictions.labels)
    stream = np.random.Generator(np.random.Philox(run.config.seed))
    chosen = np.sort(stream.choice(total, min(SHEET_PICTURES, total), replace=False))
    reads = list(reads_of(run, chosen))
    right = sum(read.is_right for read in reads)
    note = (
        f"{len(reads)} of {total:,} {PART_NAMES[run.part]} drawn at random, {right} of them read "
        "rightly; under each what it was read as, and how sure the network was."
    )
    return read_images(reads, "Images at random", note, run_name(run))


FIGURE = FigureDefinition(
    order=50,
    title="Images at random",
    how_to_read="What the network does on an ordinary day, where the mistakes show its worst.",
    draw=draw,
)
