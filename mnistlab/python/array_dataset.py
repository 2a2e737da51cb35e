"""Arrays of images and labels as a dataset for training."""

from numbers import Integral, Real
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import train_test_split

from mnistlab.config import RunConfig
from mnistlab.data import Dataset, Split, scaling
from mnistlab.python.images import Images


def array_dataset(
    config: RunConfig,
    images: Images,
    codes: npt.NDArray[np.uint8],
    classes: npt.NDArray[np.object_],
    *,
    validation: float = 0,
    pixel: tuple[float, float] | None = None,
) -> Dataset:
    """Images (n, height, width), their labels' codes (n,) and all labels, (n_classes,).

    `validation` of the images, a count or share, are set aside, stratified by class. `pixel` is the
    scale and offset of the previous training, if there was one.
    """
    train, held_out = np.arange(len(images)), np.zeros(0, dtype=np.int64)
    if validation:
        train, held_out = _parts(codes, validation, config.seed)
    scale, offset = pixel or scaling(config.data.normalize, images, train)
    height, width = images.shape[1:]
    return Dataset(
        name="arrays",
        sha256="",
        train=Split(images, codes, train),
        validation=Split(images, codes, held_out),
        test=Split(images[:0], codes[:0], np.zeros(0, dtype=np.int64)),
        class_names=tuple(map(str, classes)),
        image_shape=(height, width),
        scale=scale,
        offset=offset,
    )


def _parts(
    codes: npt.NDArray[np.uint8], validation: Any, seed: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The numbers of the images to train on, and of those set aside; raises ValueError."""
    is_number = isinstance(validation, Real) and not isinstance(validation, bool)
    if not is_number or not (0 < validation < 1 or isinstance(validation, Integral)):
        raise ValueError(
            f"validation: found {validation!r}, must be a whole number of images (0: none), or a "
            "fraction above 0 and below 1"
        )
    try:
        train, held_out = train_test_split(
            np.arange(len(codes)), test_size=validation, stratify=codes, random_state=seed % 2**32
        )
    except ValueError as error:
        raise ValueError(f"validation: found {validation!r}: {error}") from None
    return train, held_out
