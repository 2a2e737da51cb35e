"""Pooling of adjacent 2 × 2 patches: a vector is a row of patches.

The plain definition is in maths.py, for a size and a stride of 2. It also pools the last rows where
a vector would reach beyond the array.

The last vector of a row overlaps the one before. In a row of fewer patches than a vector has, it
reaches into the rows behind, which are written later.
"""

import numpy as np

from mnistlab.blocks.layers.pool2d import maths
from mnistlab.runtime.elementary import fma
from mnistlab.runtime.kernel import kernel, view
from mnistlab.runtime.vectors import (
    REGISTER,
    larger,
    load,
    load_pairs,
    spread,
    store,
    store_pairs,
    where_larger,
)


@kernel
def fits(pixels: int, patches: int, width: int) -> bool:
    """Whether vectors stay within the array in a row of patches.

    `pixels` and `patches` are the numbers of elements from the begin of the row on.
    """
    most = max(REGISTER, width // 2)
    return patches >= most and pixels >= width + 2 * most


@kernel
def begin_of(column: int, columns: int) -> int:
    """Where the vector for a row's patches from `column` on begins: the last ends with the row."""
    return max(0, min(column, columns - REGISTER))


@view
def row_of(values: np.ndarray, begin: int, height: int, width: int) -> np.ndarray:
    """An image of one row of patches, or its outputs, as maths.py has them."""
    return values[begin : begin + height * width].reshape(1, 1, height, width)


@kernel
def max_pool_forward_2(x: np.ndarray, y: np.ndarray, maps: int, height: int, width: int) -> None:
    """x (maps · height · width,) → y (maps · ⌊height / 2⌋ · ⌊width / 2⌋,)."""
    rows, columns = height // 2, width // 2
    for row in range(maps * rows):
        top, to = (row // rows * height + row % rows * 2) * width, row * columns
        if fits(x.size - top, y.size - to, width):
            for column in range(0, columns, REGISTER):
                q = begin_of(column, columns)
                a, b = load_pairs(x, top + 2 * q, REGISTER)
                c, d = load_pairs(x, top + width + 2 * q, REGISTER)
                store(y, to + q, larger(larger(a, b), larger(c, d)))
        else:
            image, outputs = row_of(x, top, 2, width), row_of(y, to, 1, columns)
            maths.max_pool_forward(image, outputs, 2, 2)


@kernel
def max_pool_backward_2(
    x: np.ndarray, dy: np.ndarray, dx: np.ndarray, maps: int, height: int, width: int
) -> None:
    """dx is dy at the patch's maximum, else 0; a NaN in x makes no difference.

    x, dx (maps · height · width,), dy (maps · ⌊height / 2⌋ · ⌊width / 2⌋,).
    """
    rows, columns = height // 2, width // 2
    zero = spread(dx.dtype.type(0), REGISTER)
    for row in range(maps * rows):
        top, at = (row // rows * height + row % rows * 2) * width, row * columns
        if fits(x.size - top, dy.size - at, width):
            for column in range(0, columns, REGISTER):
                q = begin_of(column, columns)
                above, below = top + 2 * q, top + width + 2 * q
                a, b = load_pairs(x, above, REGISTER)
                c, d = load_pairs(x, below, REGISTER)
                g, up, down = load(dy, at + q, REGISTER), larger(a, b), larger(c, d)
                over, under = where_larger(down, up, zero, g), where_larger(down, up, g, zero)
                left, right = where_larger(b, a, zero, over), where_larger(b, a, over, zero)
                store_pairs(dx, above, left, right)
                left, right = where_larger(d, c, zero, under), where_larger(d, c, under, zero)
                store_pairs(dx, below, left, right)
        else:
            image, gradient = row_of(x, top, 2, width), row_of(dx, top, 2, width)
            maths.max_pool_backward(image, row_of(dy, at, 1, columns), gradient, 2, 2)
    clear_left_out(dx, maps, height, width)


@kernel
def average_pool_forward_2(
    x: np.ndarray, y: np.ndarray, maps: int, height: int, width: int
) -> None:
    """The mean of each patch; shapes as for `max_pool_forward_2`."""
    rows, columns = height // 2, width // 2
    quarter, one = spread(x.dtype.type(0.25), REGISTER), spread(x.dtype.type(1), REGISTER)
    zero = spread(x.dtype.type(0), REGISTER)
    for row in range(maps * rows):
        top, to = (row // rows * height + row % rows * 2) * width, row * columns
        if fits(x.size - top, y.size - to, width):
            for column in range(0, columns, REGISTER):
                q = begin_of(column, columns)
                a, b = load_pairs(x, top + 2 * q, REGISTER)
                c, d = load_pairs(x, top + width + 2 * q, REGISTER)
                total = fma(one, fma(one, fma(one, a, b), c), d)
                store(y, to + q, fma(quarter, total, zero))
        else:
            image, outputs = row_of(x, top, 2, width), row_of(y, to, 1, columns)
            maths.average_pool_forward(image, outputs, 2, 2)


@kernel
def average_pool_backward_2(
    dy: np.ndarray, dx: np.ndarray, maps: int, height: int, width: int
) -> None:
    """A quarter of dy for each value of a patch; shapes as for `max_pool_backward_2`."""
    rows, columns = height // 2, width // 2
    quarter, zero = spread(dx.dtype.type(0.25), REGISTER), spread(dx.dtype.type(0), REGISTER)
    for row in range(maps * rows):
        top, at = (row // rows * height + row % rows * 2) * width, row * columns
        if fits(dx.size - top, dy.size - at, width):
            for column in range(0, columns, REGISTER):
                q = begin_of(column, columns)
                share = fma(quarter, load(dy, at + q, REGISTER), zero)
                store_pairs(dx, top + 2 * q, share, share)
                store_pairs(dx, top + width + 2 * q, share, share)
        else:
            gradient = row_of(dx, top, 2, width)
            maths.average_pool_backward(row_of(dy, at, 1, columns), gradient, 2, 2)
    clear_left_out(dx, maps, height, width)


@kernel
def clear_left_out(dx: np.ndarray, maps: int, height: int, width: int) -> None:
    """Set the gradient of a last row and column that are in no patch to zero."""
    zero = dx.dtype.type(0)
    for c in range(maps):
        image = dx[c * height * width :][: height * width]
        if width % 2 == 1:
            for h in range(height):
                image[h * width + width - 1] = zero
        if height % 2 == 1:
            for w in range(width):
                image[(height - 1) * width + w] = zero
