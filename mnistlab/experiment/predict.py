"""Predictions of a run's network for the user's pictures."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mnistlab.data.files import MalformedError
from mnistlab.data.sources.csv import read_rows
from mnistlab.experiment.ensemble import Ensemble
from mnistlab.experiment.model import Model
from mnistlab.experiment.pixel_range import are_bits
from mnistlab.photo.picture import grey, read_picture
from mnistlab.photo.prepare import DIGIT_SIDE, SIDE, prepare
from mnistlab.support.errors import UsageError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prediction:
    """The prediction for one picture.

    `seen` is the network's input image, uint8 (height, width); `outputs` (classes,) are
    probabilities if the output is softmax; `predicted` is the class of the largest.
    """

    image: Path
    seen: np.ndarray = field(repr=False)
    outputs: np.ndarray
    predicted: int


@dataclass(frozen=True)
class Unread:
    """A file that is not a picture of a digit, and the reason."""

    image: Path
    why: str


@dataclass(frozen=True)
class Answers:
    """The predictions for pictures, the files that could not be read, and the saved files."""

    model: Model | Ensemble = field(repr=False)
    predictions: list[Prediction]
    unread: list[Unread]
    saved: dict[Path, list[Path]]

    @property
    def are_probabilities(self) -> bool:
        """Whether the outputs are probabilities; without softmax or sigmoid they may be any
        numbers.
        """
        return self.model.gives_probabilities


def predict(model: Model | Ensemble, images: Sequence[Path], raw: bool = False) -> Answers:
    """The predicted class of each picture, and the files that could not be read.

    Pictures are prepared as MNIST's were, then as the configuration says (`data.deskew`, `resize`,
    `permute_pixels`). If `raw`, they are prepared as the images of the run's dataset are. An
    unreadable file does not affect the others. Each row of a CSV file is an image of the dataset's
    kind, with a label before it or not. Raises UsageError if the network does not take
    prepared pictures.
    """
    seen: list[tuple[Path, np.ndarray]] = []
    unread = []
    for image in images:
        try:
            seen += _rows(model, image) if is_table(image) else [_picture(model, image, raw)]
        except MalformedError as error:
            unread.append(Unread(image, str(error)))
    if not seen:
        return Answers(model, [], unread, {})
    outputs = model.outputs(np.stack([pixels for _, pixels in seen]))
    predictions = [
        Prediction(image, pixels, said, int(np.argmax(said)))
        for (image, pixels), said in zip(seen, outputs, strict=True)
    ]
    return Answers(model, predictions, unread, {})


def is_table(path: Path) -> bool:
    """Whether a file has images as rows of a CSV table, by its name."""
    return path.name.lower().endswith((".csv", ".csv.gz"))


def _rows(model: Model | Ensemble, path: Path) -> list[tuple[Path, np.ndarray]]:
    """The images of a CSV file, prepared as the dataset's; each is named by its line: `a.csv:2`."""
    preparation = model.config.data.preparation
    images, line = read_rows(path, preparation.before(model.image_shape))
    if model.config.data.normalize == "minmax" and are_bits(images):
        logger.warning(
            "%s: the pixels are 0 and 1, but 255 is white; unless those of the run's dataset are "
            "alike, multiply them by 255",
            path,
        )
    return [
        (path.with_name(f"{path.name}:{number}"), pixels)
        for number, pixels in enumerate(preparation(images), line)
    ]


def _picture(model: Model | Ensemble, image: Path, raw: bool) -> tuple[Path, np.ndarray]:
    """A picture with the network's input image of it."""
    preparation = model.config.data.preparation
    if raw:
        pixels = preparation(_raw(image, preparation.before(model.image_shape))[None])
    else:
        _refuse_other_sizes(model)
        pixels = preparation.of_pictures(prepare(read_picture(image))[None])
    return image, pixels[0]


def _refuse_other_sizes(model: Model | Ensemble) -> None:
    """Raise UsageError if the network does not take pictures that are prepared as MNIST's were."""
    if model.image_shape != model.config.data.preparation.of_pictures.shape(SIDE, SIDE):
        height, width = model.image_shape
        raise UsageError(
            f"{model.run_dir.path}: was trained on images of {height} × {width} pixels; pictures "
            f"are prepared as MNIST's were, {SIDE} × {SIDE} with digits of {DIGIT_SIDE}: give "
            f"images of {height} × {width} with --raw"
        )


def _raw(image: Path, shape: tuple[int, int] | None) -> np.ndarray:
    """A raw image, uint8 (height, width); `shape` is the size required, if any."""
    colours = read_picture(image)
    if shape is not None and colours.shape[:2] != shape:
        expected, found = (f"{height} × {width}" for height, width in (shape, colours.shape[:2]))
        raise MalformedError(f"expected a raw image of {expected} pixels, found {found}")
    return grey(colours)
