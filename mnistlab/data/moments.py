"""Mean and standard deviation of pixels, exact: integer sums, one division."""

import math

import numpy as np
import numpy.typing as npt

from mnistlab.data.arrays import Bytes

CHUNK_IMAGES = 4096


def pixel_moments(
    images: Bytes, indices: npt.NDArray[np.int64] | None = None
) -> tuple[float, float]:
    """Mean and population standard deviation of all pixels of the images, uint8 (n, height, width).

    `indices`: int64 (m,), the images to use, at least one; None for all.
    """
    counts = np.zeros(256, dtype=np.int64)
    number = len(images) if indices is None else len(indices)
    for start in range(0, number, CHUNK_IMAGES):
        chunk = slice(start, start + CHUNK_IMAGES)
        pixels = images[chunk] if indices is None else images[indices[chunk]]
        counts += np.bincount(pixels.ravel(), minlength=256)
    n = int(counts.sum())
    # Python's integers: no sum can overflow, and each single division is correctly rounded.
    total = sum(value * int(count) for value, count in enumerate(counts))
    squares = sum(value * value * int(count) for value, count in enumerate(counts))
    return total / n, math.sqrt((n * squares - total * total) / (n * n))
