"""The images of the section "Try it": some to pick, more to find what excites a unit."""

from typing import Any

import numpy as np

from mnistlab.data.preparation import pixel_order
from mnistlab.experiment.artefacts import Artefacts
from mnistlab.figures.run_data import most_confident_mistakes
from mnistlab.pages.try_it_values import PackedValues
from mnistlab.support.errors import LackingError

PICKED, MISTAKES = 30, 10
ALL = 300
MORE_MISTAKES = 100  # for the cells of the confusion matrix
MOST_PIXELS = 300 * 28 * 28  # of larger images there are fewer


def pictures_of(run: Artefacts, values: PackedValues) -> dict[str, Any]:
    """Images of the part that the run is evaluated on; the first `picked` are shown.

    Pixels stand where they stand in the picture, also with `permute_pixels`.
    """
    split = run.split
    labels = np.asarray(split.labels[split.indices])
    mistakes, predicted = _mistakes(run)
    height, width = split.images.shape[1:]
    most = min(ALL, max(MOST_PIXELS // (height * width), 1))
    chosen = chosen_pictures(labels, mistakes, min(PICKED, most), most, predicted)
    images = np.asarray(split.images[split.indices[chosen]])
    seed = run.config.data.permute_pixels
    if seed is not None:
        order = pixel_order(seed, height * width)
        upright = np.empty_like(images.reshape(len(images), -1))
        upright[:, order] = images.reshape(len(images), -1)
        images = upright.reshape(images.shape)
    return {
        "picked": min(PICKED, len(chosen)),
        "images": values.add(images),
        "labels": labels[chosen].tolist(),
        "numbers": chosen.tolist(),
        "mistakes": np.isin(chosen, mistakes).tolist(),
        "predicted": None if predicted is None else predicted[chosen].tolist(),
    }


def _mistakes(run: Artefacts) -> tuple[np.ndarray, np.ndarray | None]:
    """The misclassified images, most confident first, and every image's predicted class; none if
    the run has no predictions.
    """
    try:
        return most_confident_mistakes(run), run.predictions.predicted
    except LackingError:
        return np.zeros(0, np.int64), None


def chosen_pictures(
    labels: np.ndarray,
    mistakes: np.ndarray,
    picked: int,
    most: int,
    predicted: np.ndarray | None = None,
) -> np.ndarray:
    """The indices of at most `most` images, int64: first `picked` to show, in the order of their
    labels, with mistakes among them; then mistakes of each kind in turn; then the first others.
    """
    wrong = mistakes[: min(MISTAKES, picked)]
    others = np.setdiff1d(np.arange(len(labels)), mistakes)
    shown = np.concatenate([wrong, in_turn(labels, others)[: picked - len(wrong)]])
    shown = shown[np.argsort(labels[shown], kind="stable")]
    kinds = labels if predicted is None else labels.astype(np.int64) * 256 + predicted
    left = in_turn(kinds, mistakes[len(wrong) :])[:MORE_MISTAKES]
    more = np.concatenate([left, others, mistakes])
    new = more[~np.isin(more, shown)]
    _, first = np.unique(new, return_index=True)
    rest = new[np.sort(first)][: most - len(shown)]
    return np.concatenate([shown, rest]).astype(np.int64)


def in_turn(labels: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """The indices in an order that takes one image of each class in turn."""
    rounds = np.empty(len(indices), np.int64)
    for label in np.unique(labels[indices]):
        own = labels[indices] == label
        rounds[own] = np.arange(own.sum())
    return indices[np.argsort(rounds, kind="stable")]
