"""The misclassified images with the highest confidence."""

from matplotlib.figure import Figure

from mnistlab.experiment.artefacts import PART_NAMES, Artefacts
from mnistlab.figures.definition import FigureDefinition
from mnistlab.figures.pictures import SHEET_PICTURES, read_images
from mnistlab.figures.run_data import most_confident_mistakes, reads_of, run_name
from mnistlab.support.errors import LackingError


def draw(run: Artefacts) -> Figure:
    wrong = most_confident_mistakes(run)
    if not len(wrong):
        raise LackingError(f"none of its {PART_NAMES[run.part]} is misclassified")
    shown = wrong[:SHEET_PICTURES]
    of = f"among {len(run.predictions.labels):,} {PART_NAMES[run.part]}"
    if len(shown) < len(wrong):
        note = f"The {len(shown)} of {len(wrong):,} mistakes {of} with the highest confidence."
    else:
        which = f"All {len(wrong)} mistakes" if len(wrong) > 1 else "The one mistake"
        note = f"{which} {of}, by falling confidence."
    reads = list(reads_of(run, shown))
    return read_images(reads, "The most confident mistakes", note, run_name(run))


FIGURE = FigureDefinition(
    order=40,
    title="Most confident mistakes",
    how_to_read=(
        "A threshold on the confidence would not reject these mistakes; some labels are doubtful."
    ),
    draw=draw,
    is_quick=True,
)
