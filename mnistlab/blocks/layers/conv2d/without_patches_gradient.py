"""The gradient of the weights and biases of a convolution by rows of output: without_patches.py has
the forward pass, the frame and the places of the taps.

A vector is a piece of a row of output. A product of the deltas' piece and the shifted image's is
added to the sums of its filter and tap; those of several filters and taps are in registers.
"""

import numpy as np

from mnistlab.runtime.compiler import generic_kernel
from mnistlab.runtime.elementary import fma
from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.vectors import REGISTER, dot, load, spread, store, without_first

# How many are summed at once: with 4 filters and 3 taps, seven loads serve twelve products.
FILTERS_BACKWARD, TAPS_BACKWARD = 4, 3
# The elements of their deltas, of one image or several small ones, that stay in the first cache
# while all taps use them. The sums of many filters and taps do not: each visit serves all images.
DELTAS_AT_ONCE = 4096


@kernel
def pieces_of(columns: int) -> int:
    """The number of vectors in a row of output; the last may overlap the one before."""
    return (columns + REGISTER - 1) // REGISTER


@kernel
def pack_deltas(
    dy: np.ndarray, positions: int, rows: int, columns: int, packed: np.ndarray
) -> None:
    """The pieces of a row for FILTERS_BACKWARD filters, side by side; repeated elements are zero.

    dy (FILTERS_BACKWARD · positions,) → packed (rows · pieces · FILTERS_BACKWARD · REGISTER,).
    """
    to = 0
    for r in range(rows):
        for q in range(0, columns, REGISTER):
            begin = min(q, columns - REGISTER)
            for f in range(FILTERS_BACKWARD):
                piece = load(dy, f * positions + r * columns + begin, REGISTER)
                store(packed, to, without_first(piece, q - begin))
                to += REGISTER


@kernel
def add_products(
    x: np.ndarray,
    x0: int,
    x1: int,
    x2: int,
    images: int,
    size: int,
    down: int,
    packed: np.ndarray,
    rows: int,
    columns: int,
    sums: np.ndarray,
    at: int,
) -> None:
    """Add the products of TAPS_BACKWARD taps with the deltas of FILTERS_BACKWARD filters.

    The taps begin at x0, x1 and x2 of x, flat, move by `size` for every image and by `down` for
    every row of output. The sums (FILTERS_BACKWARD, TAPS_BACKWARD, REGISTER) begin at `at`.
    """
    end = at + FILTERS_BACKWARD * TAPS_BACKWARD * REGISTER
    own = sums[at:end]
    s00, s01, s02 = sum_at(own, 0), sum_at(own, 1), sum_at(own, 2)
    s10, s11, s12 = sum_at(own, 3), sum_at(own, 4), sum_at(own, 5)
    s20, s21, s22 = sum_at(own, 6), sum_at(own, 7), sum_at(own, 8)
    s30, s31, s32 = sum_at(own, 9), sum_at(own, 10), sum_at(own, 11)
    p = 0
    for i in range(images):
        for r in range(rows):
            for q in range(0, columns, REGISTER):
                place = i * size + r * down + min(q, columns - REGISTER)
                a0, a1 = load(x, x0 + place, REGISTER), load(x, x1 + place, REGISTER)
                a2 = load(x, x2 + place, REGISTER)
                d = load(packed, p, REGISTER)
                s00, s01, s02 = fma(d, a0, s00), fma(d, a1, s01), fma(d, a2, s02)
                d = load(packed, p + REGISTER, REGISTER)
                s10, s11, s12 = fma(d, a0, s10), fma(d, a1, s11), fma(d, a2, s12)
                d = load(packed, p + 2 * REGISTER, REGISTER)
                s20, s21, s22 = fma(d, a0, s20), fma(d, a1, s21), fma(d, a2, s22)
                d = load(packed, p + 3 * REGISTER, REGISTER)
                s30, s31, s32 = fma(d, a0, s30), fma(d, a1, s31), fma(d, a2, s32)
                p += FILTERS_BACKWARD * REGISTER
    store_three(own, 0, s00, s01, s02)
    store_three(own, 1, s10, s11, s12)
    store_three(own, 2, s20, s21, s22)
    store_three(own, 3, s30, s31, s32)


@generic_kernel
def sum_at(sums: np.ndarray, number: int) -> np.ndarray:
    """The vector of that number."""
    return load(sums, number * REGISTER, REGISTER)


@generic_kernel
def store_three(sums: np.ndarray, row: int, s0: np.ndarray, s1: np.ndarray, s2: np.ndarray) -> None:
    """Store the sums of a filter, the `row`-th, for TAPS_BACKWARD taps."""
    store(sums, row * 3 * REGISTER, s0)
    store(sums, (row * 3 + 1) * REGISTER, s1)
    store(sums, (row * 3 + 2) * REGISTER, s2)


def backward_scratch(filters: int, taps: int, rows: int, columns: int) -> int:
    """The elements of scratch of `backward_weights_without_patches`."""
    groups, blocks = -(-filters // FILTERS_BACKWARD), -(-taps // TAPS_BACKWARD)
    deltas = rows * -(-columns // REGISTER) * FILTERS_BACKWARD * REGISTER
    sums = groups * blocks * FILTERS_BACKWARD * TAPS_BACKWARD * REGISTER
    return max(deltas, DELTAS_AT_ONCE) + sums


@kernel
def backward_weights_without_patches(
    x: np.ndarray,
    places: np.ndarray,
    dy: np.ndarray,
    dW: np.ndarray,
    images: int,
    size: int,
    wide: int,
    filters: int,
    rows: int,
    columns: int,
    stride: int,
    scratch: np.ndarray,
) -> None:
    """dW = Σᵢ dyᵢ ∗ xᵢ over `images`; filters ≥ FILTERS_BACKWARD.

    x (images · size,), framed, with the taps at `places` (taps,), see `tap_offsets`;
    dy (images · filters · rows · columns,), dW (filters · taps,). `scratch` has the elements that
    `backward_scratch` tells.
    """
    taps, positions = places.size, rows * columns
    block = FILTERS_BACKWARD * TAPS_BACKWARD * REGISTER
    blocks = (taps + TAPS_BACKWARD - 1) // TAPS_BACKWARD
    groups = (filters + FILTERS_BACKWARD - 1) // FILTERS_BACKWARD
    deltas = rows * pieces_of(columns) * FILTERS_BACKWARD * REGISTER
    at_once = max(1, DELTAS_AT_ONCE // deltas)
    packed, sums = scratch[: at_once * deltas], scratch[at_once * deltas :]
    one = spread(dW.dtype.type(1), REGISTER)
    for j in range(groups * blocks * block):
        sums[j] = 0
    for first in range(0, images, at_once):
        count = min(at_once, images - first)
        for g in range(groups):
            f = min(g * FILTERS_BACKWARD, filters - FILTERS_BACKWARD)
            for i in range(count):
                own = dy[((first + i) * filters + f) * positions :]
                pack_deltas(own, positions, rows, columns, packed[i * deltas :])
            for t in range(blocks):
                tap = t * TAPS_BACKWARD
                x0 = first * size + places[tap]
                x1 = first * size + places[min(tap + 1, taps - 1)]
                x2 = first * size + places[min(tap + 2, taps - 1)]
                add_products(
                    x, x0, x1, x2, count, size, stride * wide, packed, rows, columns,
                    sums, (g * blocks + t) * block,
                )  # fmt: skip
    for g in range(groups):
        f = min(g * FILTERS_BACKWARD, filters - FILTERS_BACKWARD)
        for tap in range(taps):
            begin = (g * blocks + tap // TAPS_BACKWARD) * FILTERS_BACKWARD
            for other in range(FILTERS_BACKWARD):
                at = ((begin + other) * TAPS_BACKWARD + tap % TAPS_BACKWARD) * REGISTER
                dW[(f + other) * taps + tap] = dot(load(sums, at, REGISTER), one)


@kernel
def bias_gradient(dy: np.ndarray, db: np.ndarray) -> None:
    """db = Σᵢ dyᵢ, summed over the positions if they share the bias.

    dy (images, filters, positions), db (filters, n) as in maths.py.
    """
    for f in range(db.shape[0]):
        bias = db[f]
        for j in range(bias.size):
            bias[j] = 0
        for i in range(dy.shape[0]):
            values = dy[i, f]
            if bias.size == 1:
                total = db.dtype.type(0)
                for j in range(values.size):
                    total += values[j]
                bias[0] += total
            else:
                for j in range(bias.size):
                    bias[j] += values[j]
