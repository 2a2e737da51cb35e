"""The weights' gradient with fewer products: dg = Gᵀ [(A dy Aᵀ) ⊙ (Bᵀ d B)] G.

The squares are those of fewer_products.py.
"""

import numpy as np

from mnistlab.blocks.layers.conv2d.fewer_products import (
    APART,
    PLACES,
    SIDE,
    next_patch,
    transform_patches,
)
from mnistlab.blocks.layers.conv2d.side_by_side import (
    FILTERS,
    TAPS,
    TILE,
    add_lines,
    in_order,
)
from mnistlab.runtime.compiler import generic_kernel
from mnistlab.runtime.elementary import fma
from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.params import rounded_up
from mnistlab.runtime.vectors import load, spread, store

# The squares of this many patches are summed at a time.
PATCHES = 8


def sums_sizes(channels: int, filters: int) -> tuple[int, int]:
    """The elements of `add_squares`' sums, and of the scratch of `add_squares` and
    `filters_from_squares`.
    """
    blocks = rounded_up(filters, FILTERS) * rounded_up(channels, TAPS)
    of_patches = SIDE * (PATCHES * (channels + filters) * TILE + 2 * APART)
    return PLACES * blocks, max(of_patches, PLACES * channels * filters)


@kernel
def transform_gradient(
    dy: np.ndarray,
    filters: int,
    rows: int,
    columns: int,
    first: int,
    i: int,
    squares: np.ndarray,
) -> None:
    """Row i of A dy Aᵀ for PATCHES patches from `first` on; zero for missing pixels.

    dy (filters, rows, columns, TILE) → squares (SIDE, filters, PATCHES, TILE).
    """
    across = (columns + 1) // 2
    zero = spread(dy.dtype.type(0), TILE)
    one = spread(dy.dtype.type(1), TILE)
    minus = spread(dy.dtype.type(-1), TILE)
    of_upper = one if i < 3 else zero
    of_lower = zero if i == 0 else one if i == 1 else minus
    place = filters * PATCHES * TILE + APART
    for f in range(filters):
        r, q = 2 * (first // across), 2 * (first % across)
        for k in range(PATCHES):
            at, to = ((f * rows + r) * columns + q) * TILE, (f * PATCHES + k) * TILE
            left, right = zero, zero
            if r < rows:
                left = fma(of_upper, load(dy, at, TILE), left)
                if q + 1 < columns:
                    right = fma(of_upper, load(dy, at + TILE, TILE), right)
            if r + 1 < rows:
                left = fma(of_lower, load(dy, at + columns * TILE, TILE), left)
                if q + 1 < columns:
                    right = fma(of_lower, load(dy, at + (columns + 1) * TILE, TILE), right)
            store(squares, to, left)
            store(squares, to + place, fma(one, right, left))
            store(squares, to + 2 * place, fma(minus, right, left))
            store(squares, to + 3 * place, fma(minus, right, zero))
            r, q = next_patch(r, q, across)


@kernel
def add_squares(
    framed: np.ndarray,
    dy: np.ndarray,
    squares: np.ndarray,
    sums: np.ndarray,
    channels: int,
    high: int,
    wide: int,
    filters: int,
) -> None:
    """sums[p, f, c] += Σ (A dy Aᵀ)[p, f] · (Bᵀ d B)[p, c] over the patches, image by image.

    framed (channels, high, wide, TILE); dy (filters, high - 2, wide - 2, TILE); squares: scratch,
    SIDE · (PATCHES · (channels + filters) · TILE + 2 · APART); sums (PLACES, ⌈filters / FILTERS⌉,
    ⌈channels / TAPS⌉, FILTERS, TAPS); the last group of filters or channels overlaps the one
    before.
    """
    rows, columns = high - 2, wide - 2
    across, down = (columns + 1) // 2, (rows + 1) // 2
    line, size = PATCHES * TILE, FILTERS * TAPS
    of_patches, of_deltas = channels * line + APART, filters * line + APART
    patches, deltas = squares[: SIDE * of_patches], squares[SIDE * of_patches :]
    to_place = (filters + FILTERS - 1) // FILTERS * ((channels + TAPS - 1) // TAPS) * size
    for first in range(0, down * across, PATCHES):
        for i in range(SIDE):
            transform_patches(
                framed, channels, high, wide, across, first, PATCHES, down * across - 1,
                i, i + 1, patches,
            )  # fmt: skip
            transform_gradient(dy, filters, rows, columns, first, i, deltas)
            for j in range(SIDE):
                to, x, d = (i * SIDE + j) * to_place, j * of_patches, j * of_deltas
                for f in range(0, filters, FILTERS):
                    d0, d1 = d + f * line, d + min(f + 1, filters - 1) * line
                    d2, d3 = (
                        d + min(f + 2, filters - 1) * line,
                        d + min(f + 3, filters - 1) * line,
                    )
                    for c in range(0, channels, TAPS):
                        x0, x1 = x + c * line, x + min(c + 1, channels - 1) * line
                        x2 = x + min(c + 2, channels - 1) * line
                        add_lines(
                            patches, x0, x1, x2, 0, deltas, d0, d1, d2, d3, 0, 1, PATCHES, sums, to
                        )
                        to += size


@kernel
def filters_from_squares(
    sums: np.ndarray, squares: np.ndarray, dW: np.ndarray, filters: int, channels: int
) -> None:
    """dW = Gᵀ s G of the sums of `add_squares`, over the images of the tile.

    squares: scratch, PLACES · filters · channels; dW (filters · channels · 9,).
    """
    size = filters * channels
    to_place = (filters + FILTERS - 1) // FILTERS * ((channels + TAPS - 1) // TAPS) * FILTERS * TAPS
    for p in range(PLACES):
        in_order(sums[p * to_place :], squares[p * size :][:size], filters, channels)
    for at in range(size):
        for u in range(3):
            s0 = filter_from(u, squares, at, size, 0)
            s1 = filter_from(u, squares, at, size, 1)
            s2 = filter_from(u, squares, at, size, 2)
            s3 = filter_from(u, squares, at, size, 3)
            half = (s1 + s2) * 0.5
            dW[at * 9 + 3 * u] = s0 + half
            dW[at * 9 + 3 * u + 1] = (s1 - s2) * 0.5
            dW[at * 9 + 3 * u + 2] = half + s3


@generic_kernel
def filter_from(u: int, squares: np.ndarray, at: int, size: int, j: int) -> float:
    """Row u of Gᵀ times column j of a square."""
    s1, s2 = squares[(SIDE + j) * size + at], squares[(2 * SIDE + j) * size + at]
    half = (s1 + s2) * 0.5
    if u == 0:
        result = squares[j * size + at] + half
    elif u == 1:
        result = (s1 - s2) * 0.5
    else:
        result = half + squares[(3 * SIDE + j) * size + at]
    return result
