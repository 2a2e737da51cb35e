"""Metrics of a network for each class, from its predictions for labelled images."""

from dataclasses import dataclass, field

import numpy as np

from mnistlab.experiment.model import Model
from mnistlab.support.metric_names import SplitName


@dataclass(frozen=True)
class ClassScore:
    """One class; NaN if a denominator is 0: the class was never predicted, or has no image.

    `precision` is the share of the images predicted as this class that belong to it, `recall` the
    share of its images that are predicted correctly, `f1` their harmonic mean; `images` is their
    number.
    """

    label: int
    precision: float
    recall: float
    f1: float
    images: int


@dataclass(frozen=True)
class Scores:
    """A model on a part of its dataset: mean loss and accuracy, each class, confusion matrix.

    `confusion` is int64 (classes, classes): a row for each true class, a column for each predicted
    one.
    """

    model: Model = field(repr=False)
    split: SplitName
    images: int
    loss: float
    accuracy: float
    per_class: tuple[ClassScore, ...]
    confusion: np.ndarray

    def __repr__(self) -> str:
        return (
            f"<Scores {self.model.run_dir.path.name}: accuracy {self.accuracy:.4f}, "
            f"loss {self.loss:.4f} of {self.images:,} {self.split} images>"
        )

    @property
    def class_names(self) -> list[str]:
        return self.model.class_names


def confusion_counts(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """How many images of each class (row) were predicted as each class (column); int64."""
    return np.bincount(labels * classes + predicted, minlength=classes**2).reshape(classes, -1)


def class_scores(
    labels: np.ndarray, predicted: np.ndarray, classes: int
) -> tuple[tuple[ClassScore, ...], np.ndarray]:
    """The scores of each class and the confusion matrix, of integer labels, predictions (n,)."""
    counts = confusion_counts(labels.astype(np.int64), predicted, classes)
    correct, found, images = counts.diagonal(), counts.sum(axis=0), counts.sum(axis=1)
    # Three divisions: scikit-learn's functions for them take longer to import than all else here.
    with np.errstate(invalid="ignore"):
        columns = (correct / found, correct / images, 2 * correct / (found + images), images)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return tuple(ClassScore(label, *row) for label, row in enumerate(rows)), counts


def score(model: Model, split: SplitName) -> Scores:
    """Evaluate a model on a part of its dataset; raises as `Model.split` does."""
    said = model.evaluate(model.split(split))
    per_class, counts = class_scores(said.labels, said.predicted, len(model.class_names))
    return Scores(
        model=model,
        split=split,
        images=len(said.labels),
        loss=said.loss,
        accuracy=said.accuracy,
        per_class=per_class,
        confusion=counts,
    )
