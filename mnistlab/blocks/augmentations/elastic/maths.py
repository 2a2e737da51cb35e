"""A field of displacements: uniform noise, smoothed by a Gaussian along both axes.

Smoothing along one axis is a matrix product. Both fields of several images are smoothed by two
products.
"""

import math

import numpy as np

from mnistlab.runtime.blas import gemm
from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.random import random32

# The Gaussian is truncated at this many standard deviations, as in scipy.ndimage.
TRUNCATE = 4.0
UNIT = 2.0**-15


@kernel
def gaussian_matrix(sigma: float, K: np.ndarray) -> None:
    """K_ij = g(i − j) / Σ g, g(d) = exp(−d² / 2σ²) for |d| ≤ 4σ, rounded, else 0; K (n, n)."""
    radius = int(TRUNCATE * sigma + 0.5)
    whole = 1.0
    for d in range(1, radius + 1):
        whole += 2 * math.exp(-0.5 * (d / sigma) ** 2)
    for d in range(K.shape[0]):
        inside = d <= radius
        K[0, d] = K.dtype.type(math.exp(-0.5 * (d / sigma) ** 2) / whole if inside else 0.0)
    for i in range(1, K.shape[0]):
        for j in range(K.shape[0]):
            K[i, j] = K[0, abs(i - j)]


@kernel
def displacement_noise(
    key: int, other_key: int, height: int, width: int, stride: int, noise: np.ndarray
) -> None:
    """Uniform numbers between −1 and 1, of 16 random bits each, for both fields of an image.

    Row i of the first field begins at noise[i · stride], that of the second `width` after it.
    """
    number = noise.dtype.type
    half, unit, one = number(0.5), number(UNIT), number(1)
    for i in range(height):
        of_rows, of_columns = noise[i * stride :][:width], noise[i * stride + width :][:width]
        for j in range(width):
            bits = random32(key, other_key, i * width + j)
            of_rows[j] = (number(bits & 0xFFFF) + half) * unit - one
            of_columns[j] = (number(bits >> 16) + half) * unit - one


@kernel
def smooth(
    alpha: float, across: np.ndarray, along: np.ndarray, noise: np.ndarray, half_done: np.ndarray
) -> None:
    """noise ← alpha · across · noise · along, for all fields at once.

    across (height, height) and along (width, width) are Gaussian matrices; noise and half_done,
    which is scratch, (height, fields · width).
    """
    width = along.shape[0]
    gemm(alpha, across, False, noise, False, 0.0, half_done)
    fields = noise.size // width
    gemm(
        1.0,
        half_done.reshape(fields, width),
        False,
        along,
        False,
        0.0,
        noise.reshape(fields, width),
    )


@kernel
def elastic_map(
    width: int, stride: int, field: np.ndarray, rows: np.ndarray, columns: np.ndarray
) -> None:
    """Add the field at each pixel to the coordinates: rows, columns (height · width,).

    The two fields have the layout of `displacement_noise`.
    """
    for i in range(rows.size // width):
        down, right = field[i * stride :][:width], field[i * stride + width :][:width]
        own, beside = rows[i * width :][:width], columns[i * width :][:width]
        for j in range(width):
            own[j] += down[j]
            beside[j] += right[j]
