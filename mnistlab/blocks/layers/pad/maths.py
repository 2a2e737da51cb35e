"""Padding by a value: x (images, channels, height, width), y with `size` more on each side."""

import numpy as np

from mnistlab.runtime.kernel import kernel


@kernel
def pad(x: np.ndarray, size: int, value: float, y: np.ndarray) -> None:
    """y[h + size, w + size] = x[h, w] of each channel, and `value` outside."""
    border = y.dtype.type(value)
    height, width = x.shape[2], x.shape[3]
    for i in range(y.shape[0]):
        for c in range(y.shape[1]):
            for r in range(y.shape[2]):
                line = y[i, c, r]
                if r < size or r >= size + height:
                    for q in range(line.size):
                        line[q] = border
                else:
                    pixels = x[i, c, r - size]
                    for q in range(size):
                        line[q] = border
                        line[size + width + q] = border
                    for q in range(width):
                        line[size + q] = pixels[q]


@kernel
def pad_backward(dy: np.ndarray, size: int, dx: np.ndarray) -> None:
    """dx[h, w] = dy[h + size, w + size]: the border is constant."""
    for i in range(dx.shape[0]):
        for c in range(dx.shape[1]):
            for h in range(dx.shape[2]):
                line, above = dx[i, c, h], dy[i, c, h + size]
                for w in range(line.size):
                    line[w] = above[size + w]
