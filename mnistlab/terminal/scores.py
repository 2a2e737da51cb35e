"""The scores of a network as tables for people, and as a document for programs."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Protocol

import numpy as np

from mnistlab.experiment.scores import ClassScore, Scores
from mnistlab.support.metric_names import part_named
from mnistlab.support.text_format import number, percent
from mnistlab.terminal.output import table_text
from mnistlab.terminal.tables import natural_width, table
from mnistlab.terminal.width import terminal_width

# A matrix of more classes is wider than a terminal; their most confused pairs are shown instead.
WIDEST_MATRIX, MOST_PAIRS = 20, 20
CORNER = "true \\ predicted"


class ScoredClasses(Protocol):
    """The data for the tables of classes: the scores of one network, or of several together."""

    @property
    def class_names(self) -> list[str]: ...
    @property
    def per_class(self) -> tuple[ClassScore, ...]: ...
    @property
    def confusion(self) -> np.ndarray: ...


def text(scores: Scores) -> str:
    """All scores of a network, for people."""
    return "\n\n".join([_summary(scores), class_table(scores), confusion_table(scores)])


def _summary(scores: Scores) -> str:
    """The images, the loss and the accuracy, for people."""
    model = scores.model
    images = f"{scores.images:,} {part_named(scores.split).images}"
    return (
        f"{model.config.name}: {images} of {model.dataset.name}, "
        f"weights of step {model.step:,}\n"
        f"loss {number(scores.loss)}  {accuracy(scores.accuracy, scores.images)}"
    )


def accuracy(share: float, images: int) -> str:
    """An accuracy, with the numbers of correct and wrong predictions."""
    right = round(share * images)
    return f"accuracy {percent(share)}  ({right:,} correct, {images - right:,} wrong)"


def _shown(scores: ScoredClasses) -> list[int]:
    """The classes that have images or predictions."""
    seen = scores.confusion.sum(axis=0) + scores.confusion.sum(axis=1)
    return [label for label, count in enumerate(seen.tolist()) if count]


def class_table(scores: ScoredClasses) -> str:
    """Precision, recall and F1 of each class, for people."""
    names, shown = scores.class_names, _shown(scores)
    rows = [["class", "precision", "recall", "F1", "images"]]
    for one in (scores.per_class[label] for label in shown):
        shares = [_share(value) for value in (one.precision, one.recall, one.f1)]
        rows.append([_name(names, one.label), *shares, f"{one.images:,}"])
    text = table_text(rows, right=(1, 2, 3, 4))
    absent = len(names) - len(shown)
    told = "1 class has no image here and was never predicted"
    if absent > 1:
        told = f"{absent} classes have no image here and were never predicted"
    return f"{text}\n({told})" if absent else text


def confusion_table(scores: ScoredClasses) -> str:
    """The confusion matrix, or the most confused pairs if it does not fit the terminal."""
    names, shown = scores.class_names, _shown(scores)
    rows = [[CORNER, *map(str, shown)]]
    for label in shown:
        counts = scores.confusion[label, shown].tolist()
        rows.append([_name(names, label), *(f"{count:,}" if count else "·" for count in counts)])
    if len(shown) > WIDEST_MATRIX:
        return _pairs(scores.confusion, names)
    at_right, width = range(1, len(shown) + 1), terminal_width(sys.stdout)
    short = [[cell.replace(",", "") for cell in row] for row in rows]
    short[0][0] = ""
    for above, form in (("", rows), (f"{CORNER}\n", short)):
        if width is None or natural_width(form) <= width:
            return above + table(form, at_right)
    return _pairs(scores.confusion, names)


def _pairs(confusion: np.ndarray, names: Sequence[str]) -> str:
    found = [
        (int(confusion[label, other]), label, other)
        for label in range(len(names))
        for other in range(len(names))
        if label != other and confusion[label, other]
    ]
    rows = [["true", "predicted", "images"]]
    for count, label, other in sorted(found, key=lambda pair: (-pair[0], *pair[1:]))[:MOST_PAIRS]:
        rows.append([_name(names, label), _name(names, other), f"{count:,}"])
    return table_text(rows, right=(2,)) + "\n(--json has the whole matrix)"


def _name(names: Sequence[str], label: int) -> str:
    return names[label] if names[label] == str(label) else f"{label} {names[label]}"


def _share(value: float) -> str:
    return "-" if value != value else percent(value)


def document(scores: Scores) -> dict[str, Any]:
    """The scores for programs."""
    return {
        "run_dir": scores.model.run_dir.path,
        "split": scores.split,
        "weights": scores.model.weights,
        "step": scores.model.step,
        "images": scores.images,
        "loss": scores.loss,
        "accuracy": scores.accuracy,
        **class_documents(scores),
    }


def class_documents(scores: ScoredClasses) -> dict[str, Any]:
    """The scores of each class, and the confusion matrix, for programs."""
    return {
        "per_class": [
            {"label": one.label, "class": scores.class_names[one.label], **asdict(one)}
            for one in scores.per_class
        ],
        "confusion_matrix": scores.confusion,
    }
