"""The convolution of stride 1 without a matrix of patches: a vector is a piece of a row of output.

For every tap of a filter a row of the image, shifted by the tap, is multiplied by one weight and
added; several filters and rows are summed at once, in registers. The plain definition is that of
conv2d.py; shapes are as there, but flat, an image at a time unless said, and without padding.
"""

import numpy as np

from mnistlab.kernels.jit import generic_kernel, kernel
from mnistlab.kernels.vectors import dot, fma, load, spread, store

# How many are summed at once. Where fewer are left, some are summed again.
FILTERS, ROWS = 4, 2
FILTERS_BACKWARD = 8


@generic_kernel
def bias_at(b: np.ndarray, f: int, positions: int, at: int, lanes: int, count: int) -> np.ndarray:
    """A filter's bias at the positions [at, at + count): its own, one shared by all, or none."""
    shared = b[f] if b.size > 0 and b.size % positions != 0 else b.dtype.type(0)
    bias = spread(shared, lanes)
    if b.size > 0 and b.size % positions == 0:
        bias = load(b, f * positions + at, lanes, count)
    return bias


@generic_kernel
def direct_forward(
    x: np.ndarray,
    W: np.ndarray,
    b: np.ndarray,
    y: np.ndarray,
    channels: int,
    width: int,
    filters: int,
    rows: int,
    columns: int,
    side: int,
    lanes: int,
) -> None:
    """y = W ∗ x + b for one image; filters ≥ FILTERS, rows ≥ ROWS.

    x (channels · height · width,), width = columns + side − 1, likewise height; W (filters ·
    channels · side²,), b (filters · n,) as in conv2d.py, y (filters · rows · columns,).
    """
    taps, positions = channels * side * side, rows * columns
    plane = (rows + side - 1) * width
    for f in range(0, filters, FILTERS):
        f = min(f, filters - FILTERS)
        for r in range(0, rows, ROWS):
            r = min(r, rows - ROWS)
            for q in range(0, columns, lanes):
                count = columns - q
                at = r * columns + q
                y00 = bias_at(b, f, positions, at, lanes, count)
                y01 = bias_at(b, f, positions, at + columns, lanes, count)
                y10 = bias_at(b, f + 1, positions, at, lanes, count)
                y11 = bias_at(b, f + 1, positions, at + columns, lanes, count)
                y20 = bias_at(b, f + 2, positions, at, lanes, count)
                y21 = bias_at(b, f + 2, positions, at + columns, lanes, count)
                y30 = bias_at(b, f + 3, positions, at, lanes, count)
                y31 = bias_at(b, f + 3, positions, at + columns, lanes, count)
                k = f * taps
                for c in range(channels):
                    for u in range(side):
                        begin = c * plane + (r + u) * width + q
                        for v in range(side):
                            x0 = load(x, begin + v, lanes, count)
                            x1 = load(x, begin + width + v, lanes, count)
                            w = spread(W[k], lanes)
                            y00, y01 = fma(w, x0, y00), fma(w, x1, y01)
                            w = spread(W[k + taps], lanes)
                            y10, y11 = fma(w, x0, y10), fma(w, x1, y11)
                            w = spread(W[k + 2 * taps], lanes)
                            y20, y21 = fma(w, x0, y20), fma(w, x1, y21)
                            w = spread(W[k + 3 * taps], lanes)
                            y30, y31 = fma(w, x0, y30), fma(w, x1, y31)
                            k += 1
                at += f * positions
                store(y, at, y00, count)
                store(y, at + columns, y01, count)
                store(y, at + positions, y10, count)
                store(y, at + positions + columns, y11, count)
                store(y, at + 2 * positions, y20, count)
                store(y, at + 2 * positions + columns, y21, count)
                store(y, at + 3 * positions, y30, count)
                store(y, at + 3 * positions + columns, y31, count)


@generic_kernel
def direct_backward_weights(
    x: np.ndarray,
    dy: np.ndarray,
    dW: np.ndarray,
    images: int,
    channels: int,
    width: int,
    filters: int,
    rows: int,
    columns: int,
    side: int,
    lanes: int,
) -> None:
    """dW = Σᵢ dyᵢ ∗ xᵢ over `images`; filters ≥ FILTERS_BACKWARD.

    x (images · channels · height · width,), dy (images · filters · rows · columns,), dW (filters ·
    channels · side²,).
    """
    taps, positions = channels * side * side, rows * columns
    plane = (rows + side - 1) * width
    zero, one = spread(dW.dtype.type(0), lanes), spread(dW.dtype.type(1), lanes)
    for f in range(0, filters, FILTERS_BACKWARD):
        f = min(f, filters - FILTERS_BACKWARD)
        for tap in range(taps):
            c, u, v = tap // (side * side), tap // side % side, tap % side
            g0, g1, g2, g3, g4, g5, g6, g7 = zero, zero, zero, zero, zero, zero, zero, zero
            for i in range(images):
                begin = (i * channels + c) * plane + u * width + v
                at = (i * filters + f) * positions
                for _ in range(rows):
                    for q in range(0, columns, lanes):
                        count = columns - q
                        pixels = load(x, begin + q, lanes, count)
                        g0 = fma(load(dy, at + q, lanes, count), pixels, g0)
                        g1 = fma(load(dy, at + q + positions, lanes, count), pixels, g1)
                        g2 = fma(load(dy, at + q + 2 * positions, lanes, count), pixels, g2)
                        g3 = fma(load(dy, at + q + 3 * positions, lanes, count), pixels, g3)
                        g4 = fma(load(dy, at + q + 4 * positions, lanes, count), pixels, g4)
                        g5 = fma(load(dy, at + q + 5 * positions, lanes, count), pixels, g5)
                        g6 = fma(load(dy, at + q + 6 * positions, lanes, count), pixels, g6)
                        g7 = fma(load(dy, at + q + 7 * positions, lanes, count), pixels, g7)
                    begin += width
                    at += columns
            k = f * taps + tap
            dW[k], dW[k + taps] = dot(g0, one), dot(g1, one)
            dW[k + 2 * taps], dW[k + 3 * taps] = dot(g2, one), dot(g3, one)
            dW[k + 4 * taps], dW[k + 5 * taps] = dot(g4, one), dot(g5, one)
            dW[k + 6 * taps], dW[k + 7 * taps] = dot(g6, one), dot(g7, one)


@kernel
def bias_gradient(dy: np.ndarray, db: np.ndarray) -> None:
    """db = Σᵢ dyᵢ, summed over the positions where they share the bias.

    dy (images, filters, positions), db (filters, n) as in conv2d.py.
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


@kernel
def turn_filters(W: np.ndarray, turned: np.ndarray) -> None:
    """turned[c, f, u, v] = W[f, c, side−1−u, side−1−v]: what leads a gradient back.

    W (filters, channels, side, side), turned (channels, filters, side, side).
    """
    side = W.shape[2]
    for f in range(W.shape[0]):
        for c in range(W.shape[1]):
            for u in range(side):
                for v in range(side):
                    turned[c, f, u, v] = W[f, c, side - 1 - u, side - 1 - v]


@kernel
def frame(image: np.ndarray, wide: np.ndarray, border: int) -> None:
    """`image` (channels, rows, columns) with a border of zeros on all sides, in `wide`."""
    for c in range(wide.shape[0]):
        for h in range(wide.shape[1]):
            line = wide[c, h]
            for w in range(line.size):
                line[w] = 0
            if border <= h < border + image.shape[1]:
                pixels = image[c, h - border]
                for w in range(pixels.size):
                    line[border + w] = pixels[w]
