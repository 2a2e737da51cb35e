"""Pooling of adjacent 2 × 2 patches: a vector is a row of patches.

The plain definition is in maths.py, for a size and a stride of 2. The even and the odd columns of a
row are loaded separately.
"""

import numpy as np

from mnistlab.runtime.elementary import fma
from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.vectors import (
    REGISTER,
    every_second,
    larger,
    load,
    spread,
    store,
    store_pairs,
    where_larger,
)


@kernel
def max_pool_forward_2(x: np.ndarray, y: np.ndarray, maps: int, height: int, width: int) -> None:
    """x (maps · height · width,) → y (maps · ⌊height / 2⌋ · ⌊width / 2⌋,)."""
    rows, columns = height // 2, width // 2
    for c in range(maps):
        for r in range(rows):
            above, to = (c * height + 2 * r) * width, (c * rows + r) * columns
            below = above + width
            for q in range(0, columns, REGISTER):
                left, count = 2 * q, columns - q
                up = larger(
                    every_second(x, above + left, REGISTER, count),
                    every_second(x, above + left + 1, REGISTER, count),
                )
                down = larger(
                    every_second(x, below + left, REGISTER, count),
                    every_second(x, below + left + 1, REGISTER, count),
                )
                store(y, to + q, larger(up, down), count)


@kernel
def max_pool_backward_2(
    x: np.ndarray, dy: np.ndarray, dx: np.ndarray, maps: int, height: int, width: int
) -> None:
    """dx is dy at the patch's maximum, else 0; a NaN in x makes no difference.

    x, dx (maps · height · width,), dy (maps · ⌊height / 2⌋ · ⌊width / 2⌋,).
    """
    rows, columns = height // 2, width // 2
    zero = spread(dx.dtype.type(0), REGISTER)
    for c in range(maps):
        for r in range(rows):
            above, at = (c * height + 2 * r) * width, (c * rows + r) * columns
            below = above + width
            for q in range(0, columns, REGISTER):
                left, count = 2 * q, columns - q
                a = every_second(x, above + left, REGISTER, count)
                b = every_second(x, above + left + 1, REGISTER, count)
                d = every_second(x, below + left, REGISTER, count)
                e = every_second(x, below + left + 1, REGISTER, count)
                g = load(dy, at + q, REGISTER, count)
                up, down = larger(a, b), larger(d, e)
                over = where_larger(down, up, zero, g)
                under = where_larger(down, up, g, zero)
                store_pairs(
                    dx, above + left, where_larger(b, a, zero, over),
                    where_larger(b, a, over, zero), 2 * count,
                )  # fmt: skip
                store_pairs(
                    dx, below + left, where_larger(e, d, zero, under),
                    where_larger(e, d, under, zero), 2 * count,
                )  # fmt: skip
    clear_left_out(dx, maps, height, width)


@kernel
def average_pool_forward_2(
    x: np.ndarray, y: np.ndarray, maps: int, height: int, width: int
) -> None:
    """The mean of each patch; shapes as for `max_pool_forward_2`."""
    rows, columns = height // 2, width // 2
    quarter, one = spread(x.dtype.type(0.25), REGISTER), spread(x.dtype.type(1), REGISTER)
    zero = spread(x.dtype.type(0), REGISTER)
    for c in range(maps):
        for r in range(rows):
            above, to = (c * height + 2 * r) * width, (c * rows + r) * columns
            below = above + width
            for q in range(0, columns, REGISTER):
                left, count = 2 * q, columns - q
                total = fma(
                    one,
                    every_second(x, above + left, REGISTER, count),
                    every_second(x, above + left + 1, REGISTER, count),
                )
                total = fma(one, total, every_second(x, below + left, REGISTER, count))
                total = fma(one, total, every_second(x, below + left + 1, REGISTER, count))
                store(y, to + q, fma(quarter, total, zero), count)


@kernel
def average_pool_backward_2(
    dy: np.ndarray, dx: np.ndarray, maps: int, height: int, width: int
) -> None:
    """A quarter of dy for each value of a patch; shapes as for `max_pool_backward_2`."""
    rows, columns = height // 2, width // 2
    quarter, zero = spread(dx.dtype.type(0.25), REGISTER), spread(dx.dtype.type(0), REGISTER)
    for c in range(maps):
        for r in range(rows):
            above, at = (c * height + 2 * r) * width, (c * rows + r) * columns
            for q in range(0, columns, REGISTER):
                count = columns - q
                share = fma(quarter, load(dy, at + q, REGISTER, count), zero)
                store_pairs(dx, above + 2 * q, share, share, 2 * count)
                store_pairs(dx, above + width + 2 * q, share, share, 2 * count)
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
