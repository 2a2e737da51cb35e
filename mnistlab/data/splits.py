"""Splits a source into training, validation and test parts, and scales its pixels."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
import numpy.typing as npt

from mnistlab.data.arrays import Bytes
from mnistlab.data.label_changes import changed_labels
from mnistlab.data.moments import pixel_moments
from mnistlab.data.source import Source
from mnistlab.runtime.streams import Purpose, random_stream
from mnistlab.support.errors import UsageError

Indices = npt.NDArray[np.int64]
Normalization = Literal["minmax", "standardize", "none"]

AUTO_SET, AUTO_VALIDATION, AUTO_FRACTION = 60_000, 10_000, 0.2


@dataclass(frozen=True, eq=False)
class Split:
    """A part of a source, not copied: the source's images uint8 (n, height, width) and labels uint8
    (n,), and the part's images in order: `indices`, int64 (m,).
    """

    images: Bytes
    labels: Bytes
    indices: Indices

    def __len__(self) -> int:
        return len(self.indices)

    def gather(self) -> tuple[Bytes, Bytes]:
        """Copies of the part's images, uint8 (m, height, width), and labels, uint8 (m,)."""
        return np.asarray(self.images[self.indices]), np.asarray(self.labels[self.indices])


@dataclass(frozen=True, eq=False)
class Dataset:
    """The data of a training; the network's input is `pixel * scale + offset`. `validation` may be
    empty.
    """

    name: str
    sha256: str
    train: Split
    validation: Split
    test: Split
    class_names: tuple[str, ...]
    image_shape: tuple[int, int]
    scale: float
    offset: float


def split(
    source: Source,
    *,
    validation: Literal["auto"] | int | float = "auto",
    choose: str = "end",
    per_class_limit: int | None = None,
    train_limit: int | None = None,
    classes: Sequence[int] | None = None,
    shuffle_once: bool = False,
    normalize: Normalization = "minmax",
    label_noise: float = 0.0,
    shuffle_labels: bool = False,
    seed: int = 0,
) -> Dataset:
    """The parts of a source, by the `data` keys of a configuration, in this order: `classes`
    selects images of every part; `validation` images are taken from the END of the training set, or
    as `choose` says; of the rest, the first `per_class_limit` of each class are kept, then the
    first `train_limit`; `shuffle_once` shuffles these. Of these, `shuffle_labels` and `label_noise`
    change the labels.

    Raises UsageError that names the key if a value is out of range, or leaves no image to train on
    or to test with.
    """
    _check_limit("data.per_class_limit", per_class_limit)
    _check_limit("data.train_limit", train_limit)
    _check_classes(classes, len(source.class_names))
    kept = _of_classes("training", source.train_labels, classes)
    tested = _of_classes("test", source.test_labels, classes)
    if choose not in CHOICES:
        known = ", ".join(CHOICES)
        raise UsageError(f"data.validation.choose: found {choose!r}, expected one of {known}")
    count = _validation_count(validation, len(kept))
    validated = kept[CHOICES[choose](source.train_labels[kept], count, seed)]
    trained = np.setdiff1d(kept, validated, assume_unique=True)
    if per_class_limit is not None:
        trained = _first_of_each_class(trained, source.train_labels, per_class_limit)
    trained = trained[:train_limit]
    if shuffle_once:
        trained = _random_stream(seed, Purpose.SHUFFLE_ONCE).permutation(trained)
    labels = changed_labels(
        source.train_labels,
        trained,
        range(len(source.class_names)) if classes is None else classes,
        noise=label_noise,
        shuffle=shuffle_labels,
        seed=seed,
    )
    scale, offset = scaling(normalize, source.train_images, trained)
    return Dataset(
        name=source.name,
        sha256=source.sha256,
        train=Split(source.train_images, labels, trained),
        validation=Split(source.train_images, source.train_labels, validated),
        test=Split(source.test_images, source.test_labels, tested),
        class_names=source.class_names,
        image_shape=(source.train_images.shape[1], source.train_images.shape[2]),
        scale=scale,
        offset=offset,
    )


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _check_limit(key: str, limit: int | None) -> None:
    if limit is not None and not (_is_count(limit) and limit >= 1):
        raise UsageError(f"{key}: found {limit!r}, expected a count of 1 or more, or null")


def _check_classes(classes: Sequence[int] | None, count: int) -> None:
    if classes is None:
        return
    if not classes:
        raise UsageError("data.classes: found an empty list, expected labels, or null for all")
    for label in classes:
        if not (_is_count(label) and 0 <= label < count):
            raise UsageError(f"data.classes: found {label!r}, expected labels of 0 to {count - 1}")
    if len(set(classes)) < len(classes):
        raise UsageError(f"data.classes: found a label twice in {list(classes)}")


def _of_classes(part: str, labels: Bytes, classes: Sequence[int] | None) -> Indices:
    if classes is None:
        return np.arange(len(labels), dtype=np.int64)
    kept = np.flatnonzero(np.isin(labels, classes)).astype(np.int64)
    if len(kept) == 0:
        raise UsageError(f"data.classes: no {part} image has a label of {list(classes)}")
    return kept


def _validation_count(validation: object, count: int) -> int:
    """The number of validation images, from `count` training images."""
    if validation == "auto":
        validation = AUTO_VALIDATION if count == AUTO_SET else AUTO_FRACTION
    if _is_count(validation) and isinstance(validation, int) and validation >= 0:
        wanted = validation
    elif isinstance(validation, float) and 0 <= validation < 1:
        # As typed: 0.29 of 100 is 29, but the nearest double gives 28.
        wanted = math.floor(Fraction(repr(validation)) * count)
    else:
        raise UsageError(
            f"data.validation: found {validation!r}, expected a count, a fraction below 1, or auto"
        )
    if wanted >= count:
        raise UsageError(
            f"data.validation: {wanted:,} images of {count:,} leave none to train on; "
            f"set it below {count:,}"
        )
    return wanted


def _first_of_each_class(indices: Indices, labels: Bytes, limit: int) -> Indices:
    here = labels[indices]
    firsts = [np.flatnonzero(here == label)[:limit] for label in np.unique(here)]
    return indices[np.sort(np.concatenate(firsts))]


def _random_stream(seed: int, purpose: Purpose, index: int = 0) -> np.random.Generator:
    """`random_stream`; raises UsageError for an invalid seed."""
    if not (_is_count(seed) and 0 <= seed < 2**64):
        raise UsageError(f"seed: found {seed!r}, expected a whole number of 0 to 2**64 - 1")
    return random_stream(seed, purpose, index)


def _from_the_end(labels: Bytes, count: int, seed: int) -> Indices:
    return np.arange(len(labels) - count, len(labels), dtype=np.int64)


def _at_random(labels: Bytes, count: int, seed: int) -> Indices:
    """`count` images drawn regardless of their labels, in their original order."""
    drawn = _random_stream(seed, Purpose.VALIDATION).permutation(len(labels))
    return np.sort(drawn[:count]).astype(np.int64)


def _stratified(labels: Bytes, count: int, seed: int) -> Indices:
    """`count` images with each class in proportion, in their original order.

    Each class gets its share rounded down. The remaining images go to the classes with the largest
    remainders, the smaller label first. Each class has its own random stream.
    """
    classes, sizes = np.unique(labels, return_counts=True)
    wanted, remainders = np.divmod(sizes * count, len(labels))
    most_lost = np.argsort(-remainders, kind="stable")
    wanted[most_lost[: count - int(wanted.sum())]] += 1
    drawn = [
        _random_stream(seed, Purpose.VALIDATION, 1 + int(label)).permutation(
            np.flatnonzero(labels == label)
        )[:share]
        for label, share in zip(classes, wanted, strict=True)
    ]
    return np.sort(np.concatenate(drawn)).astype(np.int64)


# The indices of the validation images, for images with these labels; increasing.
CHOICES: dict[str, Callable[[Bytes, int, int], Indices]] = {
    "end": _from_the_end,
    "random": _at_random,
    "stratified": _stratified,
}


def scaling(normalize: str, images: Bytes, indices: Indices) -> tuple[float, float]:
    """(scale, offset) of the network's input, `pixel * scale + offset`."""
    if normalize == "minmax":
        return 1 / 255, 0.0
    if normalize == "none":
        return 1.0, 0.0
    if normalize != "standardize":
        raise UsageError(
            f"data.normalize: found {normalize!r}, expected minmax, standardize or none"
        )
    mean, std = pixel_moments(images, indices)
    if std == 0:
        raise UsageError(
            "data.normalize: all training pixels are equal; standardize needs a spread"
        )
    return 1 / std, -mean / std
