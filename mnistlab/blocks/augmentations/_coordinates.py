"""Samples an image: coordinates for every pixel of the new image, and the interpolation."""

import numpy as np

from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.random import random32

# Zeros around a sampled image: one before it, and two after, because each pixel needs its
# neighbours.
FRAME = 3


@kernel
def uniform(key: int, other_key: int, number: int, least: float, most: float) -> float:
    """A random number from [least, most): the one with index `number` in the stream of two keys."""
    return least + (most - least) * (random32(key, other_key, number) * 2.0**-32)


@kernel
def identity_map(width: int, rows: np.ndarray, columns: np.ndarray) -> None:
    """Each pixel's own row and column: rows, columns (height · width,)."""
    for row in range(rows.size // width):
        own, beside = rows[row * width :][:width], columns[row * width :][:width]
        for column in range(width):
            own[column] = row
            beside[column] = column


@kernel
def neighbours(image: np.ndarray, width: int, padded: np.ndarray, fours: np.ndarray) -> None:
    """Each pixel with the one to its right and the two below, four bytes in a word.

    image uint8 (height · width,). padded uint8 ((height + FRAME) · stride + 1,), stride = width +
    FRAME, zero around the image; the image is copied into it. fours uint32 ((height + 2) ·
    stride,): the first is that of the pixel above and left of the image's first.
    """
    stride = width + FRAME
    for row in range(image.size // width):
        source, target = image[row * width :][:width], padded[(row + 1) * stride + 1 :][:width]
        for column in range(width):
            target[column] = source[column]
    right, below, last = padded[1:], padded[stride:], padded[stride + 1 :]
    for k in range(fours.size):
        upper = np.uint32(padded[k]) | np.uint32(right[k]) << np.uint32(8)
        lower = np.uint32(below[k]) << np.uint32(16) | np.uint32(last[k]) << np.uint32(24)
        fours[k] = upper | lower


@kernel
def read_at(
    height: int,
    width: int,
    fours: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
    found: np.ndarray,
    out: np.ndarray,
) -> None:
    """out_p = the image at (rows_p, columns_p), interpolated bilinearly and rounded.

    `fours` are the image's `neighbours`; outside are zeros. rows, columns (height · width,) are
    overwritten; found uint32 (height · width,) is scratch; out uint8 (height · width,). In three
    loops, because the compiler vectorises the first and the last.
    """
    number = rows.dtype.type
    zero, one, half = number(0), number(1), number(0.5)
    last_row, last_column, stride = number(height + 1), number(width + 1), number(width + FRAME)
    for p in range(out.size):
        y = min(max(rows[p] + one, zero), last_row)
        x = min(max(columns[p] + one, zero), last_column)
        row, column = np.floor(y), np.floor(x)
        found[p] = np.uint32(np.int32(row * stride + column))
        rows[p], columns[p] = y - row, x - column
    for p in range(out.size):
        found[p] = fours[found[p]]
    byte = np.uint32(255)
    for p in range(out.size):
        four = found[p]
        upper_left, upper_right = (
            number(np.int32(four & byte)),
            number(np.int32(four >> np.uint32(8) & byte)),
        )
        lower_left, lower_right = (
            number(np.int32(four >> np.uint32(16) & byte)),
            number(np.int32(four >> np.uint32(24))),
        )
        upper = upper_left + columns[p] * (upper_right - upper_left)
        lower = lower_left + columns[p] * (lower_right - lower_left)
        out[p] = np.uint8(np.int32(upper + rows[p] * (lower - upper) + half))
