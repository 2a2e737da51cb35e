"""Shared by map_lines.py and unit_lines.py, which do the same as maths.py by lines of neighbours:
the positions of a map, or the units of an image.

A lane has images [a, b), which are in its cache. It sums its own part of every channel, the parts
are combined in the order of the lanes, and each lane normalises its images. A line is summed in the
arrays' own dtype, as distances from `near`: a number so close to the mean that their subtraction is
exact. What lines leave is summed in float64 (maps), or in blocks of BLOCK_ROWS images (units): long
sums round no more than short ones. The order of all sums follows from the shapes alone.

x, y, dx, dy are flat, (images · channels · positions,). Units are channels of one position.
`statistics` (4, channels) are those of the whole batch, see maths.py; `part` (8, channels) is a
lane's own scratch: the mean, rest and variance of its images, their number, and four sums.
"""

import numpy as np

from mnistlab.blocks.layers.batch_norm.maths import INVERSE, MEAN, REST, VARIANCE
from mnistlab.runtime.kernel import kernel, view

PART = 8
IMAGES = 3  # of a part: how many images it is of
# Sums of a part: of all its images (backward these are the result), and of a block of them.
FIRST, SECOND, FIRST_OF_BLOCK, SECOND_OF_BLOCK = 4, 5, 6, 7


@view
def line_of(values: np.ndarray, number: int, positions: int) -> np.ndarray:
    """One of the lines of positions that lie one after another in `values`."""
    return values[number * positions : number * positions + positions]


@kernel
def set_part(
    part: np.ndarray, c: int, images: int, near: float, rest: float, square: float
) -> None:
    """A channel's part of the statistics, from the means of x − near and of (x − near)²."""
    variance = square - rest * rest
    if variance < 0:  # rounding may leave so much of values that are all equal; NaN is kept
        variance = 0.0
    part[MEAN, c], part[REST, c] = near, rest
    part[VARIANCE, c], part[IMAGES, c] = variance, images


@kernel
def combine_statistics(
    parts: np.ndarray, channels: int, epsilon: float, statistics: np.ndarray
) -> None:
    """The statistics from the parts of all lanes, parts (lanes, at least 8 · channels).

    The variance of the whole is the mean of the parts' variances and of the squared distances of
    their means from the mean of the whole, each weighted by its images.
    """
    images = np.float64(0)
    for lane in range(parts.shape[0]):
        images += parts[lane, IMAGES * channels]
    for c in range(channels):
        mean, variance = np.float64(0), np.float64(0)
        for lane in range(parts.shape[0]):
            near, rest = parts[lane, MEAN * channels + c], parts[lane, REST * channels + c]
            mean += parts[lane, IMAGES * channels] * (np.float64(near) + np.float64(rest))
        mean = mean / images
        for lane in range(parts.shape[0]):
            near, rest = parts[lane, MEAN * channels + c], parts[lane, REST * channels + c]
            apart = (np.float64(near) - mean) + np.float64(rest)
            own = np.float64(parts[lane, VARIANCE * channels + c]) + apart * apart
            variance += parts[lane, IMAGES * channels] * own
        variance = variance / images
        statistics[MEAN, c] = mean
        statistics[REST, c] = mean - np.float64(statistics[MEAN, c])
        statistics[VARIANCE, c] = variance
        statistics[INVERSE, c] = 1 / np.sqrt(variance + epsilon)


@kernel
def combine_gradients(
    parts: np.ndarray, statistics: np.ndarray, dscale: np.ndarray, dshift: np.ndarray
) -> None:
    """dscale and dshift (channels,) from the sums of all lanes, parts (lanes, at least
    8 · channels).
    """
    channels = dscale.size
    for c in range(channels):
        total, products = np.float64(0), np.float64(0)
        for lane in range(parts.shape[0]):
            total += parts[lane, FIRST * channels + c]
            products += parts[lane, SECOND * channels + c]
        dscale[c] = (products - statistics[REST, c] * total) * statistics[INVERSE, c]
        dshift[c] = total
