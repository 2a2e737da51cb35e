"""Convolutions with 3 × 3 filters and stride 1 by Winograd's method: 16 products instead of 36.

A patch of 4 × 4 pixels d gives 2 × 2 outputs. Patch and filter g are transformed, multiplied
elementwise, summed over the channels, and transformed back:

    y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A

    Bᵀ = 1  0 -1  0    G = 1  0  0    Aᵀ = 1  1  1  0
         0  1  1  0        ½  ½  ½         0  1 -1 -1
         0 -1  1  0        ½ -½  ½
         0  1  0 -1        0  0  1

The weights' gradient is the transpose: dg = Gᵀ [(A dy Aᵀ) ⊙ (Bᵀ d B)] G. The gradient of the inputs
is, as always, a convolution of the padded gradient with the flipped filters. Where a patch of 3 × 3
is blank, its output is exactly the bias, because the rows of Bᵀ that an output needs read its own
patch alone.

Images are side by side, see side_by_side.py: every number here is a vector of TILE images. Element
(i, j) of a transformed square has the index p = 4 i + j. PIXELS patches are multiplied at once.

Source: Lavin and Gray, Fast Algorithms for Convolutional Neural Networks (2016), F(2×2, 3×3).
"""

import numpy as np

from mnistlab.blocks.layers.conv2d.side_by_side import (
    FILTERS,
    PIECE,
    PIXELS,
    TILE,
)
from mnistlab.runtime.compiler import generic_kernel
from mnistlab.runtime.elementary import fma
from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.vectors import load, spread, store

SIDE, PLACES = 4, 16
# The distance between the arrays of two elements of the squares. If the arrays were a power of two
# apart, all would fall into one set of L1.
APART = TILE


def squares_size(channels: int, filters: int) -> int:
    """The elements of scratch for `correlate_3x3`."""
    return PLACES * ((channels + filters) * PIECE + 2 * APART)


@generic_kernel
def seen_by_filter(i: int, a: float, b: float, c: float) -> float:
    """Row i of G times (a, b, c)."""
    half = (a + c) * 0.5
    if i == 0:
        seen = a
    elif i == 1:
        seen = half + b * 0.5
    elif i == 2:
        seen = half - b * 0.5
    else:
        seen = c
    return seen


@kernel
def transform_filters(W: np.ndarray, filters: int, channels: int, squares: np.ndarray) -> None:
    """G g Gᵀ of every filter and channel; filters ≥ FILTERS.

    W (filters · channels · 9,) → squares (PLACES, ⌈filters / FILTERS⌉, channels, FILTERS): the last
    group has the last FILTERS filters, some of which are also in the group before.
    """
    groups = (filters + FILTERS - 1) // FILTERS
    for p in range(PLACES):
        i, j = p // SIDE, p % SIDE
        for group in range(groups):
            first = min(group * FILTERS, filters - FILTERS)
            for c in range(channels):
                for k in range(FILTERS):
                    g = W[((first + k) * channels + c) * 9 :][:9]
                    squares[((p * groups + group) * channels + c) * FILTERS + k] = seen_by_filter(
                        j,
                        seen_by_filter(i, g[0], g[3], g[6]),
                        seen_by_filter(i, g[1], g[4], g[7]),
                        seen_by_filter(i, g[2], g[5], g[8]),
                    )


@generic_kernel
def next_patch(r: int, q: int, across: int) -> tuple[int, int]:
    """The first row and column of outputs of the patch after the one at (r, q)."""
    return (r, q + 2) if q + 2 < 2 * across else (r + 2, 0)


@kernel
def transform_patches(
    framed: np.ndarray,
    channels: int,
    high: int,
    wide: int,
    across: int,
    first: int,
    count: int,
    last: int,
    begin: int,
    end: int,
    squares: np.ndarray,
) -> None:
    """Rows [begin, end) of Bᵀ d B for the patches first … first + count - 1; `last` is the last
    one.

    framed (channels, high, wide, TILE), with `across` patches in a row; squares (end - begin, SIDE,
    channels, count, TILE). Lines outside the image are replaced by the edge; they affect only
    outputs that do not exist.
    """
    one, minus = spread(framed.dtype.type(1), TILE), spread(framed.dtype.type(-1), TILE)
    place = channels * count * TILE + APART
    for c in range(channels):
        r, q0 = 2 * (first // across), 2 * (first % across)
        for k in range(count):
            q1, q2, q3 = min(q0 + 1, wide - 1), min(q0 + 2, wide - 1), min(q0 + 3, wide - 1)
            to = (c * count + k) * TILE
            for i in range(begin, end):
                upper = 0 if i == 0 else 2 if i == 2 else 1
                lower = 1 if i == 2 else 3 if i == 3 else 2
                a = (c * high + min(r + upper, high - 1)) * wide
                b = (c * high + min(r + lower, high - 1)) * wide
                sign = one if i == 1 else minus
                d0 = fma(
                    sign, load(framed, (b + q0) * TILE, TILE), load(framed, (a + q0) * TILE, TILE)
                )
                d1 = fma(
                    sign, load(framed, (b + q1) * TILE, TILE), load(framed, (a + q1) * TILE, TILE)
                )
                d2 = fma(
                    sign, load(framed, (b + q2) * TILE, TILE), load(framed, (a + q2) * TILE, TILE)
                )
                d3 = fma(
                    sign, load(framed, (b + q3) * TILE, TILE), load(framed, (a + q3) * TILE, TILE)
                )
                store(squares, to, fma(minus, d2, d0))
                store(squares, to + place, fma(one, d1, d2))
                store(squares, to + 2 * place, fma(minus, d1, d2))
                store(squares, to + 3 * place, fma(minus, d3, d1))
                to += SIDE * place
            if first + k < last:
                r, q0 = next_patch(r, q0, across)


@kernel
def multiply(
    filters: np.ndarray, patches: np.ndarray, channels: int, count: int, sums: np.ndarray
) -> None:
    """sums[f] = Σ filters[f, c] · patches[c] over the channels, for one element of the squares.

    filters from `transform_filters`, of one element; patches (channels, PIXELS, TILE); sums (count,
    PIXELS, TILE) for `count` filters.
    """
    step = np.uint64(FILTERS)
    for group in range((count + FILTERS - 1) // FILTERS):
        f = min(group * FILTERS, count - FILTERS)
        k, at = np.uint64(group * FILTERS * channels), 0
        s0 = spread(sums.dtype.type(0), PIECE)
        s1 = spread(sums.dtype.type(0), PIECE)
        s2 = spread(sums.dtype.type(0), PIECE)
        s3 = spread(sums.dtype.type(0), PIECE)
        for _ in range(channels):
            x = load(patches, at, PIECE)
            s0 = fma(spread(filters[k], PIECE), x, s0)
            s1 = fma(spread(filters[k + np.uint64(1)], PIECE), x, s1)
            s2 = fma(spread(filters[k + np.uint64(2)], PIECE), x, s2)
            s3 = fma(spread(filters[k + np.uint64(3)], PIECE), x, s3)
            k += step
            at += PIECE
        store(sums, f * PIECE, s0)
        store(sums, (f + 1) * PIECE, s1)
        store(sums, (f + 2) * PIECE, s2)
        store(sums, (f + 3) * PIECE, s3)


@kernel
def transform_back(
    sums: np.ndarray,
    b: np.ndarray,
    filters: int,
    rows: int,
    columns: int,
    first: int,
    y: np.ndarray,
) -> None:
    """y = Aᵀ s A + b for the patches from `first` on.

    sums (PLACES, filters, PIXELS, TILE); b (filters,) or (0,); y (filters, rows, columns, TILE).
    """
    across, down = (columns + 1) // 2, (rows + 1) // 2
    one = spread(y.dtype.type(1), TILE)
    minus = spread(y.dtype.type(-1), TILE)
    place = filters * PIECE + APART
    for f in range(filters):
        bias = spread(b[f] if b.size > 0 else y.dtype.type(0), TILE)
        r, q = 2 * (first // across), 2 * (first % across)
        for k in range(min(PIXELS, down * across - first)):
            at, to = f * PIECE + k * TILE, ((f * rows + r) * columns + q) * TILE
            y00, y01, y10, y11 = bias, bias, bias, bias
            for j in range(SIDE):
                m1 = load(sums, at + (SIDE + j) * place, TILE)
                m2 = load(sums, at + (2 * SIDE + j) * place, TILE)
                s0 = fma(one, fma(one, m2, m1), load(sums, at + j * place, TILE))
                s1 = fma(minus, load(sums, at + (3 * SIDE + j) * place, TILE), fma(minus, m2, m1))
                if j < 3:
                    y00, y10 = fma(one, s0, y00), fma(one, s1, y10)
                if j == 1:
                    y01, y11 = fma(one, s0, y01), fma(one, s1, y11)
                if j > 1:
                    y01, y11 = fma(minus, s0, y01), fma(minus, s1, y11)
            store(y, to, y00)
            if q + 1 < columns:
                store(y, to + TILE, y01)
            if r + 1 < rows:
                store(y, to + columns * TILE, y10)
                if q + 1 < columns:
                    store(y, to + (columns + 1) * TILE, y11)
            r, q = next_patch(r, q, across)


@kernel
def correlate_3x3(
    framed: np.ndarray,
    filters: np.ndarray,
    b: np.ndarray,
    y: np.ndarray,
    squares: np.ndarray,
    channels: int,
    high: int,
    wide: int,
    count: int,
) -> None:
    """y = W ∗ x + b for a tile of images; count ≥ FILTERS.

    framed (channels, high, wide, TILE); `count` filters from `transform_filters`; b (count,) or
    (0,); y (count, high - 2, wide - 2, TILE); squares: scratch, PLACES · ((channels + count) ·
    PIECE + 2 · APART).
    """
    rows, columns = high - 2, wide - 2
    across, down = (columns + 1) // 2, (rows + 1) // 2
    groups = (count + FILTERS - 1) // FILTERS
    of_patches, of_sums = channels * PIECE + APART, count * PIECE + APART
    patches, sums = squares[: PLACES * of_patches], squares[PLACES * of_patches :]
    for first in range(0, down * across, PIXELS):
        transform_patches(
            framed, channels, high, wide, across, first, PIXELS, down * across - 1, 0, SIDE, patches
        )
        for p in range(PLACES):
            own = filters[p * groups * channels * FILTERS :]
            multiply(own, patches[p * of_patches :], channels, count, sums[p * of_sums :])
        transform_back(sums, b, count, rows, columns, first, y)
