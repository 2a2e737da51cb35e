"""The same as maths.py by lines of neighbours: the positions of a map, or the units of an image.

A line is summed in the arrays' own dtype, as distances from `near`: a number so close to the mean
that their subtraction is exact. What lines leave is summed in float64 (maps), or in blocks of
BLOCK_ROWS images (units): long sums round no more than short ones. The order of all sums follows
from the shapes alone.

x, y, dx, dy are flat, (rows · channels · positions,); statistics and sums (4, channels), where sums
are scratch. Units have one position, and are worked on side by side, [a, b) of them.
"""

import numpy as np

from mnistlab.blocks.layers.batch_norm.maths import INVERSE, MEAN, REST, VARIANCE
from mnistlab.runtime.kernel import kernel, view

BLOCK_ROWS = 64
# Sums of each unit: two of all images, two of a block of them.
SUMS = 4


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
def set_statistics(
    statistics: np.ndarray, c: int, near: float, rest: float, squares: float, epsilon: float
) -> None:
    """A channel's statistics from the means of x − near and of (x − near)²."""
    variance = squares - rest * rest
    if variance < 0:  # rounding may leave so much of values that are all equal; NaN is kept
        variance = 0.0
    statistics[MEAN, c], statistics[REST, c] = near, rest
    statistics[VARIANCE, c] = variance
    statistics[INVERSE, c] = 1 / np.sqrt(variance + epsilon)


@kernel
def map_statistics(
    x: np.ndarray,
    rows: int,
    channels: int,
    positions: int,
    c: int,
    epsilon: float,
    statistics: np.ndarray,
) -> None:
    """The statistics (4, channels) of channel c."""
    T = x.dtype.type
    n, near = rows * positions, x[c * positions]
    total = np.float64(0)
    for i in range(rows):
        total += line_sum(line_of(x, i * channels + c, positions), near)
    near = T(near + total / n)
    rest, squares = np.float64(0), np.float64(0)
    for i in range(rows):
        sums = line_sums(line_of(x, i * channels + c, positions), near)
        rest += sums[0]
        squares += sums[1]
    set_statistics(statistics, c, near, rest / n, squares / n, epsilon)


@kernel
def map_forward(
    x: np.ndarray,
    rows: int,
    channels: int,
    positions: int,
    c: int,
    scale: float,
    shift: float,
    statistics: np.ndarray,
    y: np.ndarray,
) -> None:
    """y of channel c by its statistics."""
    factor = scale * statistics[INVERSE, c]
    offset = shift - statistics[REST, c] * factor
    for i in range(rows):
        number = i * channels + c
        source, target = line_of(x, number, positions), line_of(y, number, positions)
        line_forward(source, statistics[MEAN, c], factor, offset, target)


@kernel
def map_backward_weights(
    x: np.ndarray,
    dy: np.ndarray,
    rows: int,
    channels: int,
    positions: int,
    c: int,
    statistics: np.ndarray,
    dscale: np.ndarray,
    dshift: np.ndarray,
) -> None:
    """dscale and dshift (channels,) of channel c."""
    total, products, near = np.float64(0), np.float64(0), statistics[MEAN, c]
    for i in range(rows):
        number = i * channels + c
        sums = line_products(line_of(x, number, positions), line_of(dy, number, positions), near)
        total += sums[0]
        products += sums[1]
    dscale[c] = (products - statistics[REST, c] * total) * statistics[INVERSE, c]
    dshift[c] = total


@kernel
def map_backward_input(
    x: np.ndarray,
    dy: np.ndarray,
    rows: int,
    channels: int,
    positions: int,
    c: int,
    statistics: np.ndarray,
    scale: np.ndarray,
    dscale: np.ndarray,
    dshift: np.ndarray,
    dx: np.ndarray,
) -> None:
    """dx of channel c; scale, dscale, dshift (channels,)."""
    n = x.dtype.type(rows * positions)
    factor = scale[c] * statistics[INVERSE, c]
    along = -factor * statistics[INVERSE, c] * (dscale[c] / n)
    offset = -factor * (dshift[c] / n) - along * statistics[REST, c]
    for i in range(rows):
        number = i * channels + c
        source, given = line_of(x, number, positions), line_of(dy, number, positions)
        target = line_of(dx, number, positions)
        line_backward(source, given, statistics[MEAN, c], factor, along, offset, target)


@view
def row_of(values: np.ndarray, i: int, channels: int, a: int, b: int) -> np.ndarray:
    """The units [a, b) of image i."""
    return values[i * channels + a : i * channels + b]


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
def set_zero(values: np.ndarray) -> None:
    """0 everywhere; (n,)."""
    for j in range(values.size):
        values[j] = 0


@kernel
def end_block(whole: np.ndarray, block: np.ndarray) -> None:
    """Add a block's sums to those of all images, and begin the next block; both (units,)."""
    for j in range(whole.size):
        whole[j] += block[j]
        block[j] = 0


@kernel
def unit_sums(
    x: np.ndarray, rows: int, channels: int, a: int, b: int, near: np.ndarray, sums: np.ndarray
) -> None:
    """sums[0] = Σ (x − near) and sums[1] = Σ (x − near)² of the units [a, b); near (b − a,)."""
    total, squares = sums[0][a:b], sums[1][a:b]
    of_block, squares_of_block = sums[2][a:b], sums[3][a:b]
    for number in range(SUMS):
        set_zero(sums[number][a:b])
    for i in range(rows):
        add_distances(row_of(x, i, channels, a, b), near, of_block, squares_of_block)
        if i % BLOCK_ROWS == BLOCK_ROWS - 1 or i == rows - 1:
            end_block(total, of_block)
            end_block(squares, squares_of_block)


@kernel
def unit_statistics(
    x: np.ndarray,
    rows: int,
    channels: int,
    a: int,
    b: int,
    epsilon: float,
    sums: np.ndarray,
    statistics: np.ndarray,
) -> None:
    """The statistics of the units [a, b)."""
    T = x.dtype.type
    near = statistics[MEAN][a:b]
    for j in range(b - a):
        near[j] = x[a + j]
    unit_sums(x, rows, channels, a, b, near, sums)
    for j in range(b - a):
        near[j] = T(near[j] + np.float64(sums[0, a + j]) / rows)
    unit_sums(x, rows, channels, a, b, near, sums)
    for c in range(a, b):
        rest, squares = np.float64(sums[0, c]) / rows, np.float64(sums[1, c]) / rows
        set_statistics(statistics, c, statistics[MEAN, c], rest, squares, epsilon)


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
    rows: int,
    channels: int,
    a: int,
    b: int,
    scale: np.ndarray,
    shift: np.ndarray,
    sums: np.ndarray,
    statistics: np.ndarray,
    y: np.ndarray,
) -> None:
    """y of the units [a, b) by their statistics; scale, shift (channels,)."""
    near, factor, offset = statistics[MEAN][a:b], sums[0][a:b], sums[1][a:b]
    for j in range(b - a):
        factor[j] = scale[a + j] * statistics[INVERSE, a + j]
        offset[j] = shift[a + j] - statistics[REST, a + j] * factor[j]
    for i in range(rows):
        target = row_of(y, i, channels, a, b)
        row_forward(row_of(x, i, channels, a, b), near, factor, offset, target)


@kernel
def unit_backward_weights(
    x: np.ndarray,
    dy: np.ndarray,
    rows: int,
    channels: int,
    a: int,
    b: int,
    statistics: np.ndarray,
    sums: np.ndarray,
    dscale: np.ndarray,
    dshift: np.ndarray,
) -> None:
    """dscale and dshift (channels,) of the units [a, b)."""
    near = statistics[MEAN][a:b]
    total, products = sums[0][a:b], sums[1][a:b]
    of_block, products_of_block = sums[2][a:b], sums[3][a:b]
    for number in range(SUMS):
        set_zero(sums[number][a:b])
    for i in range(rows):
        given = row_of(dy, i, channels, a, b)
        add_products(row_of(x, i, channels, a, b), given, near, of_block, products_of_block)
        if i % BLOCK_ROWS == BLOCK_ROWS - 1 or i == rows - 1:
            end_block(total, of_block)
            end_block(products, products_of_block)
    for j in range(b - a):
        about_mean = np.float64(products[j]) - np.float64(statistics[REST, a + j]) * total[j]
        dscale[a + j], dshift[a + j] = about_mean * statistics[INVERSE, a + j], total[j]


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
    rows: int,
    channels: int,
    a: int,
    b: int,
    statistics: np.ndarray,
    scale: np.ndarray,
    dscale: np.ndarray,
    dshift: np.ndarray,
    sums: np.ndarray,
    dx: np.ndarray,
) -> None:
    """dx of the units [a, b); scale, dscale, dshift (channels,)."""
    n, near = x.dtype.type(rows), statistics[MEAN][a:b]
    factor, along, offset = sums[0][a:b], sums[1][a:b], sums[2][a:b]
    for j in range(b - a):
        c = a + j
        factor[j] = scale[c] * statistics[INVERSE, c]
        along[j] = -factor[j] * statistics[INVERSE, c] * (dscale[c] / n)
        offset[j] = -factor[j] * (dshift[c] / n) - along[j] * statistics[REST, c]
    for i in range(rows):
        source, given = row_of(x, i, channels, a, b), row_of(dy, i, channels, a, b)
        target = row_of(dx, i, channels, a, b)
        row_backward(source, given, near, factor, along, offset, target)
