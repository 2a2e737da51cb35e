"""The same as maths.py by lines of neighbours: the positions of a map, or the units of an image.

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

BLOCK_ROWS = 64
PART = 8
IMAGES = 3  # of a part: how many images it is of
# Sums of a part: of all its images (backward these are the result), and of a block of them.
FIRST, SECOND, FIRST_OF_BLOCK, SECOND_OF_BLOCK = 4, 5, 6, 7


@view
def line_of(values: np.ndarray, number: int, positions: int) -> np.ndarray:
    """One of the lines of positions that lie one after another in `values`."""
    return values[number * positions : number * positions + positions]


@kernel
def line_sum(x: np.ndarray, near: float) -> float:
    """Σ (x − near); x (positions,)."""
    total = x.dtype.type(0)
    for p in range(x.size):
        total += x[p] - near
    return np.float64(total)


@kernel
def line_sums(x: np.ndarray, near: float) -> tuple[float, float]:
    """Σ (x − near) and Σ (x − near)²; x (positions,)."""
    total, squares = x.dtype.type(0), x.dtype.type(0)
    for p in range(x.size):
        d = x[p] - near
        total += d
        squares += d * d
    return np.float64(total), np.float64(squares)


@kernel
def line_products(x: np.ndarray, dy: np.ndarray, near: float) -> tuple[float, float]:
    """Σ dy and Σ dy (x − near); x, dy (positions,)."""
    total, products = x.dtype.type(0), x.dtype.type(0)
    for p in range(x.size):
        total += dy[p]
        products += dy[p] * (x[p] - near)
    return np.float64(total), np.float64(products)


@kernel
def line_forward(x: np.ndarray, near: float, factor: float, shift: float, y: np.ndarray) -> None:
    """y = (x − near) · factor + shift; x, y (positions,)."""
    for p in range(x.size):
        y[p] = (x[p] - near) * factor + shift


@kernel
def line_backward(
    x: np.ndarray,
    dy: np.ndarray,
    near: float,
    factor: float,
    along: float,
    shift: float,
    dx: np.ndarray,
) -> None:
    """dx = factor · dy + along · (x − near) + shift; x, dy, dx (positions,)."""
    for p in range(x.size):
        dx[p] = factor * dy[p] + (along * (x[p] - near) + shift)


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


@kernel
def map_part(
    x: np.ndarray, a: int, b: int, channels: int, positions: int, part: np.ndarray
) -> None:
    """The part of images [a, b) of each map's statistics."""
    T = x.dtype.type
    n = np.float64(max(1, b - a) * positions)
    for c in range(channels):
        near, total = x.dtype.type(0), np.float64(0)
        if b > a:
            near = x[(a * channels + c) * positions]
        for i in range(a, b):
            total += line_sum(line_of(x, i * channels + c, positions), near)
        near = T(near + total / n)
        rest, squares = np.float64(0), np.float64(0)
        for i in range(a, b):
            sums = line_sums(line_of(x, i * channels + c, positions), near)
            rest += sums[0]
            squares += sums[1]
        set_part(part, c, b - a, near, rest / n, squares / n)


@kernel
def map_forward(
    x: np.ndarray,
    a: int,
    b: int,
    channels: int,
    positions: int,
    scale: np.ndarray,
    shift: np.ndarray,
    statistics: np.ndarray,
    y: np.ndarray,
) -> None:
    """y of the images [a, b); scale, shift (channels,)."""
    for c in range(channels):
        factor = scale[c] * statistics[INVERSE, c]
        offset = shift[c] - statistics[REST, c] * factor
        for i in range(a, b):
            number = i * channels + c
            source, target = line_of(x, number, positions), line_of(y, number, positions)
            line_forward(source, statistics[MEAN, c], factor, offset, target)


@kernel
def map_gradient_part(
    x: np.ndarray,
    dy: np.ndarray,
    a: int,
    b: int,
    channels: int,
    positions: int,
    statistics: np.ndarray,
    part: np.ndarray,
) -> None:
    """The part of images [a, b): Σ dy and Σ dy (x − near) of each map."""
    for c in range(channels):
        total, products, near = np.float64(0), np.float64(0), statistics[MEAN, c]
        for i in range(a, b):
            number = i * channels + c
            source, given = line_of(x, number, positions), line_of(dy, number, positions)
            sums = line_products(source, given, near)
            total += sums[0]
            products += sums[1]
        part[FIRST, c], part[SECOND, c] = total, products


@kernel
def map_backward_input(
    x: np.ndarray,
    dy: np.ndarray,
    a: int,
    b: int,
    channels: int,
    positions: int,
    n: int,
    statistics: np.ndarray,
    scale: np.ndarray,
    dscale: np.ndarray,
    dshift: np.ndarray,
    dx: np.ndarray,
) -> None:
    """dx of the images [a, b), where a map has n values in the batch."""
    values = x.dtype.type(n)
    for c in range(channels):
        factor = scale[c] * statistics[INVERSE, c]
        along = -factor * statistics[INVERSE, c] * (dscale[c] / values)
        offset = -factor * (dshift[c] / values) - along * statistics[REST, c]
        for i in range(a, b):
            number = i * channels + c
            source, given = line_of(x, number, positions), line_of(dy, number, positions)
            target = line_of(dx, number, positions)
            line_backward(source, given, statistics[MEAN, c], factor, along, offset, target)


@kernel
def add_distances(x: np.ndarray, near: np.ndarray, total: np.ndarray, squares: np.ndarray) -> None:
    """Add x − near and (x − near)² of one image; all (units,)."""
    for j in range(x.size):
        d = x[j] - near[j]
        total[j] += d
        squares[j] += d * d


@kernel
def add_products(
    x: np.ndarray, dy: np.ndarray, near: np.ndarray, total: np.ndarray, products: np.ndarray
) -> None:
    """Add dy and dy (x − near) of one image; all (units,)."""
    for j in range(x.size):
        total[j] += dy[j]
        products[j] += dy[j] * (x[j] - near[j])


@kernel
def begin_sums(part: np.ndarray) -> None:
    """Set a part's four sums to 0."""
    for number in range(FIRST, PART):
        row = part[number]
        for j in range(row.size):
            row[j] = 0


@kernel
def end_block(part: np.ndarray) -> None:
    """Add the sums of a block to those of all images, and begin the next block."""
    for number in range(2):
        whole, block = part[FIRST + number], part[FIRST_OF_BLOCK + number]
        for j in range(whole.size):
            whole[j] += block[j]
            block[j] = 0


@kernel
def unit_sums(
    x: np.ndarray, a: int, b: int, channels: int, near: np.ndarray, part: np.ndarray
) -> None:
    """Σ (x − near) and Σ (x − near)² of the images [a, b); near (channels,)."""
    begin_sums(part)
    for i in range(a, b):
        row = line_of(x, i, channels)
        add_distances(row, near, part[FIRST_OF_BLOCK], part[SECOND_OF_BLOCK])
        if (i - a) % BLOCK_ROWS == BLOCK_ROWS - 1 or i == b - 1:
            end_block(part)


@kernel
def unit_part(x: np.ndarray, a: int, b: int, channels: int, part: np.ndarray) -> None:
    """The part of images [a, b) of each unit's statistics."""
    T = x.dtype.type
    n, near = np.float64(max(1, b - a)), part[MEAN]
    for c in range(channels):
        near[c] = x[a * channels + c] if b > a else 0
    unit_sums(x, a, b, channels, near, part)
    for c in range(channels):
        near[c] = T(near[c] + np.float64(part[FIRST, c]) / n)
    unit_sums(x, a, b, channels, near, part)
    for c in range(channels):
        rest, square = np.float64(part[FIRST, c]) / n, np.float64(part[SECOND, c]) / n
        set_part(part, c, b - a, near[c], rest, square)


@kernel
def row_forward(
    x: np.ndarray, near: np.ndarray, factor: np.ndarray, offset: np.ndarray, y: np.ndarray
) -> None:
    """y = (x − near) · factor + offset; all (units,)."""
    for j in range(x.size):
        y[j] = (x[j] - near[j]) * factor[j] + offset[j]


@kernel
def unit_forward(
    x: np.ndarray,
    a: int,
    b: int,
    channels: int,
    scale: np.ndarray,
    shift: np.ndarray,
    statistics: np.ndarray,
    part: np.ndarray,
    y: np.ndarray,
) -> None:
    """y of the images [a, b); scale, shift (channels,)."""
    factor, offset = part[FIRST], part[SECOND]
    for c in range(channels):
        factor[c] = scale[c] * statistics[INVERSE, c]
        offset[c] = shift[c] - statistics[REST, c] * factor[c]
    for i in range(a, b):
        source, target = line_of(x, i, channels), line_of(y, i, channels)
        row_forward(source, statistics[MEAN], factor, offset, target)


@kernel
def unit_gradient_part(
    x: np.ndarray,
    dy: np.ndarray,
    a: int,
    b: int,
    channels: int,
    statistics: np.ndarray,
    part: np.ndarray,
) -> None:
    """The part of images [a, b): Σ dy and Σ dy (x − near) of each unit."""
    near = statistics[MEAN]
    begin_sums(part)
    for i in range(a, b):
        source, given = line_of(x, i, channels), line_of(dy, i, channels)
        add_products(source, given, near, part[FIRST_OF_BLOCK], part[SECOND_OF_BLOCK])
        if (i - a) % BLOCK_ROWS == BLOCK_ROWS - 1 or i == b - 1:
            end_block(part)


@kernel
def row_backward(
    x: np.ndarray,
    dy: np.ndarray,
    near: np.ndarray,
    factor: np.ndarray,
    along: np.ndarray,
    offset: np.ndarray,
    dx: np.ndarray,
) -> None:
    """dx = factor · dy + along · (x − near) + offset; all (units,)."""
    for j in range(x.size):
        dx[j] = factor[j] * dy[j] + (along[j] * (x[j] - near[j]) + offset[j])


@kernel
def unit_backward_input(
    x: np.ndarray,
    dy: np.ndarray,
    a: int,
    b: int,
    channels: int,
    n: int,
    statistics: np.ndarray,
    scale: np.ndarray,
    dscale: np.ndarray,
    dshift: np.ndarray,
    part: np.ndarray,
    dx: np.ndarray,
) -> None:
    """dx of the images [a, b), of n in the batch; scale, dscale, dshift (channels,)."""
    values = x.dtype.type(n)
    factor, along, offset = part[FIRST], part[SECOND], part[FIRST_OF_BLOCK]
    for c in range(channels):
        factor[c] = scale[c] * statistics[INVERSE, c]
        along[c] = -factor[c] * statistics[INVERSE, c] * (dscale[c] / values)
        offset[c] = -factor[c] * (dshift[c] / values) - along[c] * statistics[REST, c]
    for i in range(a, b):
        source, given = line_of(x, i, channels), line_of(dy, i, channels)
        target = line_of(dx, i, channels)
        row_backward(source, given, statistics[MEAN], factor, along, offset, target)
