"""The convolution layer: a filter is laid over every patch of the image, and its products summed.

Shapes: x (images, channels, height, width), W (filters, channels, side, side), y (images, filters,
rows, columns) with rows = (height + 2p − side) // stride + 1, columns likewise, p the padding.
b (filters, n): n = 1 for a bias shared by all positions, rows · columns for one each, 0 for none.
As usual in the field it is a correlation: the filter is not turned over.
"""

import numpy as np

from mnistlab.kernels.jit import kernel


@kernel
def span(length: int, size: int, shift: int, stride: int) -> tuple[int, int]:
    """The outputs o in [from, to) whose input o · stride + shift lies within [0, size)."""
    begin = 0 if shift >= 0 else (-shift + stride - 1) // stride
    end = (size - shift + stride - 1) // stride
    return begin, max(begin, min(length, end))


@kernel
def conv2d_forward(
    x: np.ndarray, W: np.ndarray, b: np.ndarray, y: np.ndarray, stride: int, padding: int
) -> None:
    """y[i, f, r, q] = b[f] + Σ_{c, u, v} W[f, c, u, v] · x[i, c, r·s + u − p, q·s + v − p].

    s is the stride, p the padding; outside the image x is zero.
    """
    _, channels, height, width = x.shape
    filters, side = W.shape[0], W.shape[2]
    rows, columns = y.shape[2], y.shape[3]
    for i in range(x.shape[0]):
        for f in range(filters):
            for r in range(rows):
                out = y[i, f, r]
                for q in range(columns):
                    out[q] = 0
                if b.shape[1] > 0:
                    for q in range(columns):
                        out[q] = b[f, (r * columns + q) % b.shape[1]]
                for c in range(channels):
                    for u in range(side):
                        line = r * stride + u - padding
                        if 0 <= line < height:
                            image = x[i, c, line]
                            for v in range(side):
                                weight = W[f, c, u, v]
                                begin, end = span(columns, width, v - padding, stride)
                                shift = v - padding
                                for q in range(begin, end):
                                    out[q] += weight * image[q * stride + shift]


@kernel
def conv2d_backward_weights(
    x: np.ndarray,
    dy: np.ndarray,
    dW: np.ndarray,
    db: np.ndarray,
    first: int,
    stride: int,
    padding: int,
) -> None:
    """dW[f, c, u, v] = Σ_{i, r, q} dy[i, f, r, q] · x[i, c, r·s + u − p, q·s + v − p].

    db[f] = Σ_{i, r, q} dy[i, f, r, q], or one sum over the images for each position. dW and db may
    be of some filters alone, from filter `first` on.
    """
    images, channels, height, width = x.shape
    filters, side = dW.shape[0], dW.shape[2]
    rows, columns = dy.shape[2], dy.shape[3]
    for f in range(filters):
        for n in range(db.shape[1]):
            db[f, n] = 0
        for c in range(channels):
            for u in range(side):
                for v in range(side):
                    dW[f, c, u, v] = 0
        for i in range(images):
            for r in range(rows):
                out = dy[i, first + f, r]
                if db.shape[1] > 0:
                    for q in range(columns):
                        db[f, (r * columns + q) % db.shape[1]] += out[q]
                for c in range(channels):
                    for u in range(side):
                        line = r * stride + u - padding
                        if 0 <= line < height:
                            image = x[i, c, line]
                            for v in range(side):
                                begin, end = span(columns, width, v - padding, stride)
                                shift = v - padding
                                total = dW.dtype.type(0)
                                for q in range(begin, end):
                                    total += out[q] * image[q * stride + shift]
                                dW[f, c, u, v] += total


@kernel
def conv2d_backward_input(
    dy: np.ndarray, W: np.ndarray, dx: np.ndarray, stride: int, padding: int
) -> None:
    """dx[i, c, r·s + u − p, q·s + v − p] += W[f, c, u, v] · dy[i, f, r, q], from zero."""
    images, channels, height, width = dx.shape
    filters, side = W.shape[0], W.shape[2]
    rows, columns = dy.shape[2], dy.shape[3]
    for i in range(images):
        for c in range(channels):
            for h in range(height):
                image = dx[i, c, h]
                for w in range(width):
                    image[w] = 0
            for f in range(filters):
                for r in range(rows):
                    out = dy[i, f, r]
                    for u in range(side):
                        line = r * stride + u - padding
                        if 0 <= line < height:
                            image = dx[i, c, line]
                            for v in range(side):
                                weight = W[f, c, u, v]
                                begin, end = span(columns, width, v - padding, stride)
                                shift = v - padding
                                for q in range(begin, end):
                                    image[q * stride + shift] += weight * out[q]
