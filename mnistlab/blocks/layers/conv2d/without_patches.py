"""The convolution without a matrix of patches: by rows of output.

For every tap of a filter, a row of the image, shifted by the tap, is multiplied by one weight and
added. A vector is a piece of that row; several filters and rows are summed at once in registers.
Padding is a border of zeros. With a stride s the columns are first deinterleaved into s images, so
that the inputs of one tap are adjacent for a row of output. The plain definition is in maths.py;
shapes are as there, but flat, for one image unless noted. columns ≥ REGISTER.
"""

import numpy as np

from mnistlab.runtime.compiler import generic_kernel
from mnistlab.runtime.elementary import fma
from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.vectors import REGISTER, load, spread, store

# How many are summed at once. If fewer are left, some are summed again.
FILTERS, ROWS = 4, 2


@kernel
def frame(x: np.ndarray, framed: np.ndarray, border: int) -> None:
    """framed[c, v mod s, h + border, v div s] = x[c, h, w] with v = w + border; zeros around it.

    x (channels, height, width) → framed (channels, s, height + 2 border, ⌈(width + 2 border) / s⌉).
    """
    stride = framed.shape[1]
    for c in range(x.shape[0]):
        for p in range(stride):
            begin = max(0, border - p + stride - 1) // stride
            end = (x.shape[2] + border - p + stride - 1) // stride
            shift = p - border
            for h in range(framed.shape[2]):
                target = framed[c, p, h]
                for q in range(target.size):
                    target[q] = 0
                if border <= h < border + x.shape[1]:
                    source = x[c, h - border]
                    for q in range(begin, end):
                        target[q] = source[q * stride + shift]


@generic_kernel
def bias_at(b: np.ndarray, shared: bool, f: int, positions: int, at: int, lanes: int) -> np.ndarray:
    """A filter's bias at the positions [at, at + lanes): a shared one, one for each
    position, or 0.
    """
    bias = spread(b.dtype.type(0), lanes)
    if shared:
        bias = spread(b[f], lanes)
    elif b.size > 0:
        bias = load(b, f * positions + at, lanes)
    return bias


@kernel
def tap_offsets(
    channels: int, height: int, wide: int, side: int, stride: int, places: np.ndarray
) -> None:
    """The offsets of a filter's taps (channels, side, side) in an image, from its position; uint32.

    The image is framed: (channels, stride, height, wide).
    """
    for c in range(channels):
        for u in range(side):
            for v in range(side):
                plane = (c * stride + v % stride) * height
                places[(c * side + u) * side + v] = (plane + u) * wide + v // stride


@kernel
def pack_filters(W: np.ndarray, filters: int, taps: int, packed: np.ndarray) -> None:
    """The weights of FILTERS filters, interleaved in the order in which they are used."""
    k = 0
    for f in range(0, filters, FILTERS):
        f = min(f, filters - FILTERS)
        for tap in range(taps):
            for other in range(FILTERS):
                packed[k] = W[(f + other) * taps + tap]
                k += 1


@kernel
def forward_without_patches(
    x: np.ndarray,
    places: np.ndarray,
    packed: np.ndarray,
    b: np.ndarray,
    y: np.ndarray,
    wide: int,
    filters: int,
    rows: int,
    columns: int,
    stride: int,
) -> None:
    """y = W ∗ x + b for one image; filters ≥ FILTERS, rows ≥ ROWS.

    x (channels · stride · height · wide,), framed; `places` (taps,) and `packed`
    (⌈filters / FILTERS⌉ · FILTERS · taps,): see `tap_offsets` and `pack_filters`; b (filters · n,)
    as in maths.py, y (filters · rows · columns,).
    """
    positions, taps = rows * columns, np.uint64(places.size)
    step, shared = np.uint64(FILTERS), b.size == filters
    for group in range((filters + FILTERS - 1) // FILTERS):
        f = min(group * FILTERS, filters - FILTERS)
        first = np.uint64(group) * step * taps
        for r in range(0, rows, ROWS):
            r = min(r, rows - ROWS)
            for q in range(0, columns, REGISTER):
                q = min(q, columns - REGISTER)
                at = r * columns + q
                y00 = bias_at(b, shared, f, positions, at, REGISTER)
                y01 = bias_at(b, shared, f, positions, at + columns, REGISTER)
                y10 = bias_at(b, shared, f + 1, positions, at, REGISTER)
                y11 = bias_at(b, shared, f + 1, positions, at + columns, REGISTER)
                y20 = bias_at(b, shared, f + 2, positions, at, REGISTER)
                y21 = bias_at(b, shared, f + 2, positions, at + columns, REGISTER)
                y30 = bias_at(b, shared, f + 3, positions, at, REGISTER)
                y31 = bias_at(b, shared, f + 3, positions, at + columns, REGISTER)
                begin, k = r * stride * wide + q, first
                for tap in range(taps):
                    x0 = load(x, begin + places[tap], REGISTER)
                    x1 = load(x, begin + stride * wide + places[tap], REGISTER)
                    w = spread(packed[k], REGISTER)
                    y00, y01 = fma(w, x0, y00), fma(w, x1, y01)
                    w = spread(packed[k + np.uint64(1)], REGISTER)
                    y10, y11 = fma(w, x0, y10), fma(w, x1, y11)
                    w = spread(packed[k + np.uint64(2)], REGISTER)
                    y20, y21 = fma(w, x0, y20), fma(w, x1, y21)
                    w = spread(packed[k + np.uint64(3)], REGISTER)
                    y30, y31 = fma(w, x0, y30), fma(w, x1, y31)
                    k += step
                at += f * positions
                store(y, at, y00)
                store(y, at + columns, y01)
                store(y, at + positions, y10)
                store(y, at + positions + columns, y11)
                store(y, at + 2 * positions, y20)
                store(y, at + 2 * positions + columns, y21)
                store(y, at + 3 * positions, y30)
                store(y, at + 3 * positions + columns, y31)


@kernel
def turn_filters(W: np.ndarray, turned: np.ndarray) -> None:
    """The flipped filters: turned[c, f, u, v] = W[f, c, side−1−u, side−1−v].

    W (filters, channels, side, side), turned (channels, filters, side, side).
    """
    side = W.shape[2]
    for f in range(W.shape[0]):
        for c in range(W.shape[1]):
            for u in range(side):
                for v in range(side):
                    turned[c, f, u, v] = W[f, c, side - 1 - u, side - 1 - v]
