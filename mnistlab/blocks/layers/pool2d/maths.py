"""Pooling: the maximum or the mean of every square patch of a channel.

Shapes: x (images, channels, height, width), y (images, channels, rows, columns) with rows = (height
− size) // stride + 1, columns likewise: pixels that do not fill a patch are ignored.
"""

import numpy as np

from mnistlab.runtime.kernel import kernel


@kernel
def largest(image: np.ndarray, top: int, left: int, size: int) -> tuple[int, int]:
    """The position of the maximum of a patch of image (height, width): the first of equal ones, or
    a NaN.
    """
    row, column = top, left
    for h in range(top, top + size):
        for w in range(left, left + size):
            # NaN counts as the maximum, so that it propagates.
            if image[h, w] > image[row, column] or image[h, w] != image[h, w]:
                row, column = h, w
    return row, column


@kernel
def max_pool_forward(x: np.ndarray, y: np.ndarray, size: int, stride: int) -> None:
    """y[i, c, r, q] = max of x[i, c, r·stride : +size, q·stride : +size]."""
    for i in range(y.shape[0]):
        for c in range(y.shape[1]):
            image = x[i, c]
            for r in range(y.shape[2]):
                for q in range(y.shape[3]):
                    h, w = largest(image, r * stride, q * stride, size)
                    y[i, c, r, q] = image[h, w]


@kernel
def max_pool_backward(
    x: np.ndarray, dy: np.ndarray, dx: np.ndarray, size: int, stride: int
) -> None:
    """dx is dy at the patch's maximum, else 0; overlapping patches add up."""
    for i in range(dy.shape[0]):
        for c in range(dy.shape[1]):
            image, gradient = x[i, c], dx[i, c]
            for h in range(dx.shape[2]):
                for w in range(dx.shape[3]):
                    gradient[h, w] = 0
            for r in range(dy.shape[2]):
                for q in range(dy.shape[3]):
                    h, w = largest(image, r * stride, q * stride, size)
                    gradient[h, w] += dy[i, c, r, q]


@kernel
def average_pool_forward(x: np.ndarray, y: np.ndarray, size: int, stride: int) -> None:
    """y[i, c, r, q] = mean of x[i, c, r·stride : +size, q·stride : +size]."""
    share = y.dtype.type(1 / size**2)
    for i in range(y.shape[0]):
        for c in range(y.shape[1]):
            for r in range(y.shape[2]):
                for q in range(y.shape[3]):
                    total = y.dtype.type(0)
                    for h in range(r * stride, r * stride + size):
                        for w in range(q * stride, q * stride + size):
                            total += x[i, c, h, w]
                    y[i, c, r, q] = total * share


@kernel
def average_pool_backward(dy: np.ndarray, dx: np.ndarray, size: int, stride: int) -> None:
    """Every value of a patch gets an equal share of dy; overlapping patches add up."""
    share = dx.dtype.type(1 / size**2)
    for i in range(dy.shape[0]):
        for c in range(dy.shape[1]):
            for h in range(dx.shape[2]):
                for w in range(dx.shape[3]):
                    dx[i, c, h, w] = 0
            for r in range(dy.shape[2]):
                for q in range(dy.shape[3]):
                    for h in range(r * stride, r * stride + size):
                        for w in range(q * stride, q * stride + size):
                            dx[i, c, h, w] += dy[i, c, r, q] * share
