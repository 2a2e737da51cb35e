"""Saliency: the gradient of a class's logit with respect to each pixel."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from mnistlab.experiment.artefacts import PART_NAMES, Artefacts
from mnistlab.figures import style
from mnistlab.figures.definition import FigureDefinition
from mnistlab.figures.pictures import EASY_CHARACTERS, GAP, Read, fitted
from mnistlab.figures.run_data import kept_classes, run_name, said_of, some_of_each
from mnistlab.figures.sheet import CAPTION_LINE, CAPTION_SIZE, MARGIN, Sheet, around_zero
from mnistlab.support.errors import LackingError

COLUMNS = 10
HEAD = 0.3  # inches, above each picture for its caption
BYTE = (0.0, 255.0)
IMAGES = 10


def draw(run: Artefacts) -> Figure:
    images, labels = some_of_each(run, IMAGES)
    outputs = run.model.outputs(images).astype(np.float64)
    if not np.isfinite(outputs).all():
        raise LackingError("its outputs are not finite")
    classes = sorted({*kept_classes(run), *outputs.argmax(axis=1).tolist()})
    if len(classes) < 2:
        raise LackingError("it has a single class")
    count, shape = len(images), images.shape[1:]
    every = np.tile(classes, count)
    gradients = run.model.input_gradient(np.repeat(images, len(classes), axis=0), every)
    gradients = gradients.reshape(count, len(classes), *shape).astype(np.float64)
    if not gradients.any():
        raise LackingError("no pixel changes any of its outputs")
    best = np.argsort(-outputs[:, classes], axis=1, kind="stable")[:, :2]
    shown = np.take_along_axis(against_the_others(gradients), best[:, :, None, None], axis=1)
    reads, second = [], []
    for i, (first, other) in enumerate(np.take(classes, best)):
        truth, name = run.class_names[labels[i]], run.class_names[first]
        reads.append(Read(images[i], truth, name, said_of(run, outputs[i, first])))
        second.append((run.class_names[other], said_of(run, outputs[i, other])))
    return saliency(reads, second, shown, PART_NAMES[run.part], run_name(run))


FIGURE = FigureDefinition(
    order=100,
    title="Saliency",
    how_to_read="Red: a brighter pixel would raise the logit of the class; blue: lower it.",
    draw=draw,
)


def against_the_others(gradients: np.ndarray) -> np.ndarray:
    """Gradients less their mean over the classes.

    `gradients` (n, classes, rows, columns) are those of log p of each class. With softmax the
    result is the gradient of the logit less the mean logit. It is exact even where p rounds to 1:
    the gradient of log p is then lost in rounding, but the differences between classes are not.
    """
    return gradients - gradients.mean(axis=1, keepdims=True)


def saliency(
    reads: Sequence[Read],
    second: Sequence[tuple[str, str]],
    gradients: np.ndarray,
    of: str,
    run: str,
) -> Figure:
    """Each image above its saliency maps for the predicted class and for the second-ranked class.

    `second` has the name and the output of the second-ranked class; `gradients`
    (n, 2, rows, columns) are those of the two classes.
    """
    left = 1.0
    side = min((style.WIDTH - 2 * MARGIN - left + GAP) / COLUMNS - GAP, 1.0)
    height = side * gradients.shape[2] / gradients.shape[3]
    row = height + HEAD + 0.14
    note = (
        f"{of[0].upper()}{of[1:]}, the first of each class. Gradient by the pixel of the class's "
        "logit less the mean logit: red positive, blue negative. Each map has its own scale."
    )
    sheet = Sheet(3 * row + 0.05, "Saliency: gradient of the logit by the pixel", note, run)
    for line, what in enumerate(("image", "predicted\nclass", "second\nclass")):
        sheet.write(MARGIN, line * row + HEAD + height / 2, what, size=style.MEDIUM, va="center")
    for column, read in enumerate(reads):
        x = MARGIN + left + column * (side + GAP)
        colour = style.RIGHT if read.is_right else style.WRONG
        captions = [(read.label, ""), (read.predicted, read.output), second[column]]
        for line, (name, output) in enumerate(captions):
            y = line * row
            ink = style.RIGHT if line == 2 else colour
            _write_caption(sheet, x, y, f"{name}, {output}" if output else name, ink)
            if line == 0:
                sheet.picture(x, y + HEAD, side, read.image, style.PICTURE, BYTE)
            else:
                values = gradients[column, line - 1]
                limits, _ = around_zero(values, share=0.998)
                sheet.picture(x, y + HEAD, side, values, style.SIGNED, limits)
            sheet.frame((x, y + HEAD, side, height))
    return sheet.figure


def _write_caption(sheet: Sheet, x: float, y: float, caption: str, colour: str) -> None:
    """Write a caption just above a picture, in one line or two."""
    fits = len(caption) <= EASY_CHARACTERS
    lines = [caption] if fits else [fitted(part) for part in caption.rsplit(", ", 1)]
    for number, text in enumerate(reversed(lines)):
        place = y + HEAD - 0.02 - (number + 0.5) * CAPTION_LINE
        sheet.write(x, place, text, size=CAPTION_SIZE, va="center", color=colour)
