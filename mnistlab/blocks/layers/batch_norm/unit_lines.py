"""Batch normalisation of units by the lines of the images; see lines.py."""

import numpy as np

from mnistlab.blocks.layers.batch_norm.lines import (
    FIRST,
    FIRST_OF_BLOCK,
    PART,
    SECOND,
    SECOND_OF_BLOCK,
    line_of,
    set_part,
)
from mnistlab.blocks.layers.batch_norm.maths import INVERSE, MEAN, REST
from mnistlab.runtime.kernel import kernel

BLOCK_ROWS = 64


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
