"""Randomly chosen images with the predicted class and its probability."""

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
        f"{len(reads)} of {total:,} {PART_NAMES[run.part]}, chosen at random. {right} are "
        "classified correctly. Under each image: its predicted class and the output for that class."
    )
    return read_images(reads, "Random images", note, run_name(run))


FIGURE = FigureDefinition(
    order=50,
    title="Random images",
    how_to_read="Typical predictions. The figure of the mistakes shows the worst ones.",
    draw=draw,
)
