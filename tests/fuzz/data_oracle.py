"""The images of a run, chosen and scaled by the equations of `data` alone, in plain numpy."""

import math
from dataclasses import dataclass
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
from numpy_oracle import NoEquationError
from scipy.ndimage import affine_transform


class DoesNotFitError(Exception):
    """A configuration and its images do not fit together: nothing can be trained."""


def stream(seed, purpose, index=0):
    """Random numbers for one purpose: Philox keyed by seed and purpose, with one
    counter per index.
    """
    key = np.array([seed, purpose], np.uint64)
    counter = np.array([0, 0, index, 0], np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


def named_stream(seed, word, index=0):
    return stream(seed, int.from_bytes(word.encode(), "big"), index)


@dataclass(frozen=True)
class Images:
    """A source: uint8 (n, height, width) and (n,), for training and test."""

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    classes: int


def prepared(config, images):
    """The dataset of the second implementation."""
    data, seed = config.data, config.seed
    if data.classes is not None and max(data.classes) >= images.classes:
        raise DoesNotFitError("data.classes")
    train_images, test_images = (
        changed(some, data) for some in (images.train_images, images.test_images)
    )
    kept = _of_classes(images.train_labels, data.classes)
    tested = _of_classes(images.test_labels, data.classes)
    if not len(kept) or not len(tested):
        raise DoesNotFitError("data.classes")
    validated = _validated(data.validation, images.train_labels, kept, seed)
    trained = np.array([i for i in kept if i not in set(validated)], int)
    if data.per_class_limit is not None:
        labels = images.train_labels[trained]
        rank = np.array([(labels[:place] == labels[place]).sum() for place in range(len(labels))])
        trained = trained[rank < data.per_class_limit]
    if data.train_limit is not None:
        trained = trained[: data.train_limit]
    if data.shuffle_once:
        trained = named_stream(seed, "SHUFFLE").permutation(trained)
    labels = _labels(data, images, trained, seed)
    scale, offset = _scaling(data.normalize, train_images[trained])
    return SimpleNamespace(
        train=_part(train_images, labels, trained),
        validation=_part(train_images, images.train_labels, validated),
        test=_part(test_images, images.test_labels, tested),
        class_names=[str(label) for label in range(images.classes)],
        image_shape=train_images.shape[1:],
        scale=scale,
        offset=offset,
    )


def changed(images, data):
    """Every image as the network sees it, uint8."""
    if data.transpose:
        images = np.swapaxes(images, 1, 2)
    if data.invert:
        images = 255 - images
    if data.deskew:
        images = np.array([_upright(image) for image in images])
    if data.resize is not None:
        height, width = data.resize
        images = np.array([_by_area(_by_area(one, height).T, width).T for one in images])
        images = np.floor(images + 0.5 + 1e-9).astype(np.uint8)
    if data.permute_pixels is not None:
        pixels = images.reshape(len(images), -1)
        order = named_stream(data.permute_pixels, "PIXELS").permutation(pixels.shape[1])
        images = pixels[:, order].reshape(images.shape)
    return images


def _upright(image):
    """One image without its slant, by SciPy's affine map."""
    ink = image.astype(np.float64)
    if not ink.any():
        return image
    rows, columns = np.indices(ink.shape)
    row, column = ((ink * place).sum() / ink.sum() for place in (rows, columns))
    variance = (ink * (rows - row) ** 2).sum()
    if variance == 0:
        return image
    slope = (ink * (rows - row) * (columns - column)).sum() / variance
    moved = affine_transform(
        ink, [[1, 0], [slope, 1]], [0, -slope * row], order=1, mode="grid-constant"
    )
    return np.floor(moved + 0.5 + 1e-9).astype(np.uint8)


def _by_area(image, rows):
    """An image with so many rows, each the mean of what lies under it."""
    parts = np.repeat(np.asarray(image, np.float64), rows, axis=0)
    return parts.reshape(rows, len(image), -1).mean(axis=1)


def _labels(data, images, trained, seed):
    """The labels, those of the training images wrong where they are to be."""
    labels = images.train_labels.copy()
    if data.shuffle_labels:
        labels[trained] = named_stream(seed, "LABELS").permutation(labels[trained])
    classes = sorted(range(images.classes) if data.classes is None else data.classes)
    count = math.floor(Fraction(str(data.label_noise)) * len(trained)) if len(classes) > 1 else 0
    if count:
        numbers = named_stream(seed, "NOISE")
        wrong = trained[numbers.permutation(len(trained))[:count]]
        steps = numbers.integers(1, len(classes), count)
        for place, step in zip(wrong, steps, strict=True):
            labels[place] = classes[(classes.index(labels[place]) + step) % len(classes)]
    return labels


def _part(images, labels, indices):
    return SimpleNamespace(images=images, labels=labels, indices=indices)


def _of_classes(labels, classes):
    return np.array([i for i, y in enumerate(labels) if classes is None or y in classes], int)


def _count(images, of):
    if images == "auto":
        return math.floor(Fraction(1, 5) * of)
    if isinstance(images, float):
        return math.floor(Fraction(str(images)) * of)
    if isinstance(images, int):
        return images
    raise NoEquationError("data.validation", images)


def _validated(validation, labels, kept, seed):
    """The images of the training set that are for validation."""
    mapping = hasattr(validation, "images")
    count = _count(validation.images if mapping else validation, len(kept))
    if count >= len(kept):
        raise DoesNotFitError("data.validation")
    match validation.choose if mapping else "end":
        case "end":
            return kept[len(kept) - count :]
        case "random":
            return np.sort(named_stream(seed, "VALID").permutation(kept)[:count])
        case "stratified":
            return _stratified(labels, kept, count, seed)
        case other:
            raise NoEquationError("data.validation.choose", other)


def _stratified(labels, kept, count, seed):
    """Shares by largest remainders; equal remainders: the smaller label first."""
    sizes = {label: int((labels[kept] == label).sum()) for label in sorted(set(labels[kept]))}
    shares = {label: Fraction(size * count, len(kept)) for label, size in sizes.items()}
    wanted = {label: math.floor(share) for label, share in shares.items()}
    by_remainder = sorted(shares, key=lambda label: (wanted[label] - shares[label], label))
    for label in by_remainder[: count - sum(wanted.values())]:
        wanted[label] += 1
    chosen = [
        named_stream(seed, "VALID", 1 + int(label)).permutation(kept[labels[kept] == label])[:n]
        for label, n in wanted.items()
    ]
    return np.sort(np.concatenate(chosen))


def _scaling(normalize, images):
    match normalize:
        case "minmax":
            return 1 / 255, 0.0
        case "none":
            return 1.0, 0.0
        case "standardize":
            pixels = images.astype(np.float64)
            if pixels.std() == 0:
                raise DoesNotFitError("data.normalize")
            return 1 / pixels.std(), -pixels.mean() / pixels.std()
        case other:
            raise NoEquationError("data.normalize", other)
