"""Pooling: of every square patch of a channel the largest value, or the mean.

Shapes: x (images, channels, height, width), y (images, channels, rows, columns) with
rows = (height − size) // stride + 1, columns likewise: what does not fill a patch is left out.
"""

import numpy as np

from mnistlab.runtime.kernel import kernel


@kernel
def largest(image: np.ndarray, top: int, left: int, size: int) -> tuple[int, int]:
    """Where a patch of image (height, width) is largest: the first of equals, or a NaN."""
    row, column = top, left
    for h in range(top, top + size):
        for w in range(left, left + size):
            # A NaN is larger than all, so that it is passed on and found.
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
    """dx is dy where the patch's largest value stands, else 0; patches that overlap add up."""
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
def max_pool_forward_2(x: np.ndarray, y: np.ndarray) -> None:
    """`max_pool_forward` of size 2 and stride 2, a row of patches at a time."""
    for i in range(y.shape[0]):
        for c in range(y.shape[1]):
            for r in range(y.shape[2]):
                above, below, row = x[i, c, 2 * r], x[i, c, 2 * r + 1], y[i, c, r]
                for q in range(row.size):
                    a, b, d, e = above[2 * q], above[2 * q + 1], below[2 * q], below[2 * q + 1]
                    up = b if (b > a) | (b != b) else a
                    down = e if (e > d) | (e != e) else d
                    row[q] = down if (down > up) | (down != down) else up


@kernel
def max_pool_backward_2(x: np.ndarray, dy: np.ndarray, dx: np.ndarray) -> None:
    """`max_pool_backward` of size 2 and stride 2; of a NaN in x it makes no difference."""
    zero = dx.dtype.type(0)
    for i in range(dy.shape[0]):
        for c in range(dy.shape[1]):
            for h in range(2 * dy.shape[2], dx.shape[2]):
                left_out = dx[i, c, h]
                for w in range(left_out.size):
                    left_out[w] = zero
            for r in range(dy.shape[2]):
                above, below, row = x[i, c, 2 * r], x[i, c, 2 * r + 1], dy[i, c, r]
                d_above, d_below = dx[i, c, 2 * r], dx[i, c, 2 * r + 1]
                for q in range(row.size):
                    a, b, d, e = above[2 * q], above[2 * q + 1], below[2 * q], below[2 * q + 1]
                    right_up, right_down = b > a, e > d
                    under = (e if right_down else d) > (b if right_up else a)
                    g = row[q]
                    up, down = (zero if under else g), (g if under else zero)
                    d_above[2 * q] = zero if right_up else up
                    d_above[2 * q + 1] = up if right_up else zero
                    d_below[2 * q] = zero if right_down else down
                    d_below[2 * q + 1] = down if right_down else zero
                for w in range(2 * row.size, d_above.size):
                    d_above[w] = zero
                    d_below[w] = zero


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
    """Every value of a patch gets an equal share of dy; patches that overlap add up."""
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
