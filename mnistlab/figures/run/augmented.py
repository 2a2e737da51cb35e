"""Training images and their augmentations."""

import numpy as np
from matplotlib.figure import Figure

from mnistlab.config.dump import value_as_yaml
from mnistlab.experiment.artefacts import Artefacts
from mnistlab.figures import style
from mnistlab.figures.definition import FigureDefinition
from mnistlab.figures.pictures import BYTE, COLUMNS, GAP
from mnistlab.figures.run_data import run_name
from mnistlab.figures.sheet import CAPTION_LINE, CAPTION_SIZE, MARGIN, Sheet
from mnistlab.support.errors import DoesNotApplyError

ROWS = 10  # images, at most one of each class
WORDS = 300  # characters of the configuration that are shown


def draw(run: Artefacts) -> Figure:
    augment = run.config.data.augment
    if not augment:
        raise DoesNotApplyError("its training images are not augmented")
    train = run.dataset.train
    labels = train.labels[train.indices]
    firsts = [int(np.flatnonzero(labels == label)[0]) for label in np.unique(labels)[:ROWS]]
    indices = train.indices[firsts]
    images = np.asarray(train.images[indices])
    made = run.augmented(indices, COLUMNS - 1)
    settings = value_as_yaml([one.model_dump() for one in augment])
    if len(settings) > WORDS:
        settings = f"{settings[:WORDS]}…"
    return augmented(images, made, settings, run_name(run))


FIGURE = FigureDefinition(
    order=55,
    title="Augmented training images",
    how_to_read="Would a person still see the same class in each row? If not, augment less.",
    draw=draw,
    of_network=False,
)


def augmented(images: np.ndarray, made: np.ndarray, settings: str, run: str) -> Figure:
    """A row for each image: images uint8 (n, height, width), made (n, COLUMNS − 1, height, width).

    `settings` describes the augmentations.
    """
    note = (
        "Left: the first training image of each class. Beside it: what augmentation may make of "
        f"it, drawn anew in each epoch. data.augment: {settings}"
    )
    side = (style.WIDTH - 2 * MARGIN + GAP) / COLUMNS - GAP
    height = side * images.shape[1] / images.shape[2]
    top = CAPTION_LINE + 0.05
    sheet = Sheet(top + len(images) * (height + GAP) + 0.1, "Augmented training images", note, run)
    for column, text in ((0, "as it is"), (1, "augmented")):
        x = MARGIN + column * (side + GAP)
        sheet.write(x, 0.5 * CAPTION_LINE, text, size=CAPTION_SIZE, va="center")
    boxes = []
    for row, (image, others) in enumerate(zip(images, made, strict=True)):
        for column, picture in enumerate([image, *others]):
            x, y = MARGIN + column * (side + GAP), top + row * (height + GAP)
            sheet.picture(x, y, side, picture, style.PICTURE, BYTE)
            boxes.append((x, y, side, height))
    sheet.frame(*boxes)
    return sheet.figure
