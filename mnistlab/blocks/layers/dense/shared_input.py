"""The first layers of several networks on the same images, side by side in one wide matrix.

The non-zero pixels of a batch are listed once for all networks, and a vector of columns belongs to
several of them. A column's sum has the same terms in the same order as in a single network, so it
has the same bits. A single layer of few outputs first sums the pixels of each lane of a register
separately (few_outputs.py), and then the lanes' sums by halves; so does `forward_by_lanes`.
"""

from typing import Any

import numpy as np

from mnistlab.blocks.layers.dense.sparse_input import LISTED, WORD, words_of
from mnistlab.blocks.penalties.maths import signed
from mnistlab.runtime.compiler import generic_kernel
from mnistlab.runtime.dither import MASK, dithered_where, step_down
from mnistlab.runtime.elementary import fma
from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.vectors import REGISTER, load, lowest_bit, spread, store

BITS = WORD // REGISTER  # of a lane in a word of pixels
LEVELS = REGISTER.bit_length()  # of the sums by halves, from one lane's sum to that of all lanes


@kernel
def lane_words(size: int) -> int:
    """The words that have a bit for each pixel of one lane of a register."""
    return (words_of(size) * BITS + WORD - 1) // WORD


@kernel
def list_by_lanes(by_image: np.ndarray, size: int, images: int, by_lane: np.ndarray) -> None:
    """For each image and each lane of a register, the lane's non-zero pixels.

    by_image, uint64, from `list_nonzero_pixels` → by_lane, uint64 (LISTED · lane_words(size) ·
    REGISTER,): bit c of a lane's words is pixel c · REGISTER + lane.
    """
    words, own = words_of(size), lane_words(size)
    by_lane[: images * own * REGISTER] = 0
    for i in range(images):
        for word in range(words):
            bits = by_image[i * words + word]
            place = word * BITS
            target = by_lane[(i * own + place // WORD) * REGISTER :][:REGISTER]
            shift = np.uint64(place % WORD)
            for lane in range(REGISTER):
                found = np.uint64(0)
                for bit in range(BITS):
                    moved = bits >> np.uint64(lane + bit * REGISTER)
                    found |= (moved & np.uint64(1)) << np.uint64(bit)
                target[lane] |= found << shift


@kernel
def bits_reversed(number: int) -> int:
    """A lane's number, below REGISTER, with its bits reversed."""
    found, bit = 0, 1
    while bit < REGISTER:
        found = 2 * found + number % 2
        number //= 2
        bit *= 2
    return found


@generic_kernel
def forward_by_lanes(
    by_lane: np.ndarray,
    turned: np.ndarray,
    values: np.ndarray,
    size: int,
    images: int,
    W: np.ndarray,
    b: np.ndarray,
    sums: np.ndarray,
    y: np.ndarray,
    lanes: int,
) -> None:
    """y = x W + b for one tile of W, in the order of summation of a layer of few outputs.

    W (size · lanes,), b (lanes,), y (images · lanes,), all flat; `turned` and `values` as in
    `sparse_input_forward`. `sums`: scratch, (images · LEVELS · lanes,). The lanes are in such an
    order that two sums of equally many lanes follow each other and are added. One sum of each size
    waits for its partner, like the digits of a binary counter.
    """
    words = lane_words(size)
    zero, one = spread(W.dtype.type(0), lanes), spread(W.dtype.type(1), lanes)
    for number in range(REGISTER):
        lane = np.uint64(bits_reversed(number))
        for i in range(images):
            total = zero
            for word in range(words):
                bits = by_lane[(i * words + word) * REGISTER + lane]
                while bits != 0:
                    c = np.uint64(word * WORD) + lowest_bit(bits)
                    bits &= bits - np.uint64(1)
                    k = c * np.uint64(REGISTER) + lane
                    x = values[turned[k * np.uint64(LISTED) + np.uint64(i)]]
                    total = fma(spread(x, lanes), load(W, k * np.uint64(lanes), lanes), total)
            level, waiting = 0, number
            while waiting % 2 == 1:
                total = fma(one, load(sums, (i * LEVELS + level) * lanes, lanes), total)
                level += 1
                waiting //= 2
            if number == REGISTER - 1:
                store(y, i * lanes, fma(one, total, load(b, 0, lanes)))
            else:
                store(sums, (i * LEVELS + level) * lanes, total)


@generic_kernel
def sgd_by_columns(
    by_pixel: np.ndarray,
    turned: np.ndarray,
    values: np.ndarray,
    size: int,
    dy: np.ndarray,
    W: np.ndarray,
    rates: np.ndarray,
    lanes: int,
) -> None:
    """W ← W − lr · xᵀ dy of one tile, each column with its own rate: rates (lanes,) has −lr.

    dy (images · lanes,), W (size · lanes,), flat.
    """
    zero = spread(W.dtype.type(0), lanes)
    for k in range(size):
        bits = by_pixel[k]
        if bits != 0:
            g = gradient_row(bits, turned, values, k, dy, zero, lanes)
            store(W, k * lanes, fma(load(rates, 0, lanes), g, load(W, k * lanes, lanes)))


@generic_kernel
def momentum_by_columns(
    by_pixel: np.ndarray,
    turned: np.ndarray,
    values: np.ndarray,
    size: int,
    dy: np.ndarray,
    W: np.ndarray,
    velocity: np.ndarray,
    rates: np.ndarray,
    momentum: float,
    lanes: int,
) -> None:
    """v ← momentum · v + xᵀ dy; W ← W − lr · v, as in `sgd_by_columns`; velocity has W's shape."""
    zero, mu = spread(W.dtype.type(0), lanes), spread(W.dtype.type(momentum), lanes)
    for k in range(size):
        g = gradient_row(by_pixel[k], turned, values, k, dy, zero, lanes)
        v = fma(mu, load(velocity, k * lanes, lanes), g)
        store(velocity, k * lanes, v)
        store(W, k * lanes, fma(load(rates, 0, lanes), v, load(W, k * lanes, lanes)))


@generic_kernel
def gradient_row(
    bits: Any,
    turned: np.ndarray,
    values: np.ndarray,
    k: int,
    dy: np.ndarray,
    zero: np.ndarray,
    lanes: int,
) -> np.ndarray:
    """The row of xᵀ dy for pixel k, which is not zero in the images of `bits`."""
    g = zero
    while bits != 0:
        i = lowest_bit(bits)
        bits &= bits - np.uint64(1)
        x = values[turned[np.uint64(k * LISTED) + i]]
        g = fma(spread(x, lanes), load(dy, i * np.uint64(lanes), lanes), g)
    return g


@kernel
def descent_by_columns(
    W: np.ndarray, l1: np.ndarray, l2: np.ndarray, dither: np.ndarray, by_row: np.ndarray
) -> None:
    """W ← W − l1 · sign(W) − l2 · W, each column with its own penalty, which may be 0.

    W (size · columns,), flat; l1, l2 (columns,). `dither`, uint32 (columns,): of a column's first
    element, changed in place; `by_row`, uint32 (columns,): from one element of a column to the
    next.
    """
    columns = l1.size
    for k in range(W.size // columns):
        row = W[k * columns :][:columns]
        for c in range(columns):
            step = signed(l1[c], row[c]) + l2[c] * row[c]
            row[c] = dithered_where(l1[c] + l2[c] > 0, row[c], step, int(dither[c]), 0)
            dither[c] = (int(dither[c]) + int(by_row[c])) & MASK


@kernel
def threshold_by_columns(
    W: np.ndarray, threshold: np.ndarray, dither: np.ndarray, by_row: np.ndarray
) -> None:
    """W ← sign(W) · max(|W| − threshold, 0), a threshold per column, as in `descent_by_columns`."""
    columns = threshold.size
    zero, one = W.dtype.type(0), W.dtype.type(1)
    for k in range(W.size // columns):
        row = W[k * columns :][:columns]
        for c in range(columns):
            size, t = np.abs(row[c]), threshold[c]
            left = step_down(size, t, int(dither[c]), 0)
            left = zero if size <= t else np.copysign(one, row[c]) * left
            row[c] = left if t > 0 else row[c]
        for c in range(columns):
            dither[c] = (int(dither[c]) + int(by_row[c])) & MASK
