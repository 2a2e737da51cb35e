"""The convolution layer: the sum of products of a filter with every patch of the image.

Shapes: x (images, channels, height, width), W (filters, channels, side, side), y (images, filters,
rows, columns) with rows = (height + 2p − side) // s + 1, columns likewise; s is the stride, p the
padding. b (filters, n): n = 1 for a bias shared by all positions, rows · columns for one each, 0
for none. As usual in the field it is a correlation: the filter is not flipped.

With the patches of an image as the columns of a matrix P (channels · side², rows · columns), a
convolution is a matrix product, y = W P + b: a dense layer at every position. P is stored in
`scratch`, which is at least as large, for one image at a time.
"""

import numpy as np

from mnistlab.runtime.blas import gemm
from mnistlab.runtime.kernel import kernel, view


@kernel
def inside(outputs: int, size: int, shift: int, stride: int) -> tuple[int, int]:
    """The range [from, to) of outputs o whose pixel o · stride + shift is within [0, size)."""
    begin = 0 if shift >= 0 else (stride - 1 - shift) // stride
    end = (size - shift + stride - 1) // stride
    begin = min(begin, outputs)
    return begin, max(begin, min(outputs, end))


@kernel
def patches(
    x: np.ndarray, P: np.ndarray, side: int, rows: int, columns: int, stride: int, padding: int
) -> None:
    """P[(c, u, v), (r, q)] = x[c, r·s + u − p, q·s + v − p], and zero outside the image.

    x (channels, height, width) → P (channels · side², rows · columns).
    """
    channels, height, width = x.shape
    for c in range(channels):
        for u in range(side):
            for v in range(side):
                values = P[(c * side + u) * side + v]
                begin, end = inside(columns, width, v - padding, stride)
                for r in range(rows):
                    line = values[r * columns : (r + 1) * columns]
                    h = r * stride + u - padding
                    if 0 <= h < height:
                        pixels, shift = x[c, h], v - padding
                        for q in range(begin):
                            line[q] = 0
                        for q in range(begin, end):
                            line[q] = pixels[q * stride + shift]
                        for q in range(end, columns):
                            line[q] = 0
                    else:
                        for q in range(columns):
                            line[q] = 0


@kernel
def add_patches(
    dP: np.ndarray, dx: np.ndarray, side: int, rows: int, columns: int, stride: int, padding: int
) -> None:
    """dx[c, r·s + u − p, q·s + v − p] = Σ dP[(c, u, v), (r, q)]: the transpose of `patches`.

    dP (channels · side², rows · columns) → dx (channels, height, width).
    """
    channels, height, width = dx.shape
    for c in range(channels):
        for h in range(height):
            pixels = dx[c, h]
            for w in range(width):
                pixels[w] = 0
        for u in range(side):
            for v in range(side):
                values = dP[(c * side + u) * side + v]
                begin, end = inside(columns, width, v - padding, stride)
                for r in range(rows):
                    line = values[r * columns : (r + 1) * columns]
                    h = r * stride + u - padding
                    if 0 <= h < height:
                        pixels, shift = dx[c, h], v - padding
                        for q in range(begin, end):
                            pixels[q * stride + shift] += line[q]


@view
def patch_matrix(scratch: np.ndarray, W: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The part of `scratch` for P, with filters W and the output y of one image."""
    height, width = W.shape[1] * W.shape[2] * W.shape[3], y.shape[1] * y.shape[2]
    return scratch[: height * width].reshape(height, width)


@kernel
def conv2d_forward(
    x: np.ndarray,
    W: np.ndarray,
    b: np.ndarray,
    y: np.ndarray,
    scratch: np.ndarray,
    stride: int,
    padding: int,
) -> None:
    """y = W P + b, image by image: y[f, r, q] = b[f] + Σ W[f, c, u, v] · x[c, r·s+u−p, q·s+v−p]."""
    filters, side = W.shape[0], W.shape[2]
    rows, columns = y.shape[2], y.shape[3]
    matrix = W.reshape(filters, -1)
    for i in range(x.shape[0]):
        P = patch_matrix(scratch, W, y[i])
        patches(x[i], P, side, rows, columns, stride, padding)
        out = y[i].reshape(filters, rows * columns)
        gemm(1.0, matrix, False, P, False, 0.0, out)
        for f in range(filters):
            values, bias = out[f], b[f]
            if bias.size == 1:
                for j in range(values.size):
                    values[j] += bias[0]
            elif bias.size > 1:
                for j in range(values.size):
                    values[j] += bias[j]


@kernel
def conv2d_backward_weights(
    x: np.ndarray,
    dy: np.ndarray,
    dW: np.ndarray,
    db: np.ndarray,
    scratch: np.ndarray,
    stride: int,
    padding: int,
) -> None:
    """dW = Σᵢ dyᵢ Pᵢᵀ, db = Σᵢ dyᵢ, summed over the positions if they share the bias."""
    filters, side = dW.shape[0], dW.shape[2]
    rows, columns = dy.shape[2], dy.shape[3]
    matrix = dW.reshape(filters, -1)
    # Set to zero first: a lane of a smaller last batch may have no image.
    for f in range(filters):
        for j in range(matrix.shape[1]):
            matrix[f, j] = 0
        for j in range(db.shape[1]):
            db[f, j] = 0
    for i in range(x.shape[0]):
        P = patch_matrix(scratch, dW, dy[i])
        patches(x[i], P, side, rows, columns, stride, padding)
        out = dy[i].reshape(filters, rows * columns)
        gemm(1.0, out, False, P, True, 1.0, matrix)
        for f in range(filters):
            values, bias = out[f], db[f]
            if bias.size == 1:
                total = dW.dtype.type(0)
                for j in range(values.size):
                    total += values[j]
                bias[0] += total
            elif bias.size > 1:
                for j in range(values.size):
                    bias[j] += values[j]


@kernel
def conv2d_backward_input(
    dy: np.ndarray, W: np.ndarray, dx: np.ndarray, scratch: np.ndarray, stride: int, padding: int
) -> None:
    """dP = Wᵀ dy; every pixel gets the sum over the patches that contain it."""
    filters, side = W.shape[0], W.shape[2]
    rows, columns = dy.shape[2], dy.shape[3]
    matrix = W.reshape(filters, -1)
    for i in range(dy.shape[0]):
        dP = patch_matrix(scratch, W, dy[i])
        gemm(1.0, matrix, True, dy[i].reshape(filters, rows * columns), False, 0.0, dP)
        add_patches(dP, dx[i], side, rows, columns, stride, padding)
