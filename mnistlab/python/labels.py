"""Converts labels as scikit-learn gives them to the engine's class numbers."""

from collections.abc import Hashable, Sequence
from numbers import Number
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets

MOST_CLASSES = 256  # labels are bytes in the engine

Labels = npt.NDArray[Any]


def label_column(y: Any) -> Labels:
    """Labels as one column with unchanged values, (n,).

    numpy would make columns of tuples, and strings of numbers beside strings.
    """
    return column_or_1d(_as_objects(y), warn=True)


def _as_objects(y: Any) -> Any:
    if not isinstance(y, Sequence) or not all(isinstance(label, Hashable) for label in y):
        return y
    for kind in (str, Number | np.generic):
        if all(isinstance(label, kind) for label in y):
            return y
    return _of_objects(y)


def _of_objects(items: Sequence[Any]) -> Labels:
    """An array of any objects, (n,): numpy would convert tuples to columns."""
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


def encoded(y: Labels) -> tuple[Labels, npt.NDArray[np.uint8]]:
    """The distinct labels, (classes,), and the index of each label in them, uint8 (n,).

    Raises ValueError for too few or too many classes.
    """
    if y.dtype.kind != "O":
        check_classification_targets(y)
    try:
        classes = np.unique(y)
    except TypeError:  # types without a common order
        classes = _of_objects(list(dict.fromkeys(y.tolist())))
    if not 2 <= len(classes) <= MOST_CLASSES:
        raise ValueError(f"y: found {len(classes)} class(es), expected 2 to {MOST_CLASSES} classes")
    return classes, codes_of(y, classes)


def codes_of(y: Labels, classes: Labels) -> npt.NDArray[np.uint8]:
    """The index of each label in `classes`, uint8 (n,); raises ValueError for an unknown one."""
    if y.dtype.kind != "O":
        check_classification_targets(y)
    places = {label: place for place, label in enumerate(classes.tolist())}
    unknown = [label for label in dict.fromkeys(y.tolist()) if label not in places]
    if unknown:
        raise ValueError(f"y: {unknown[0]!r} is none of the classes {classes.tolist()}")
    return np.array([places[label] for label in y.tolist()], np.uint8)
