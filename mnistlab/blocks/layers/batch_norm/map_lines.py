"""Batch normalisation of maps by the lines of their positions; see lines.py."""

import numpy as np

from mnistlab.blocks.layers.batch_norm.lines import FIRST, SECOND, line_of, set_part
from mnistlab.blocks.layers.batch_norm.maths import INVERSE, MEAN, REST
from mnistlab.runtime.kernel import kernel


@kernel
def line_sum(x: np.ndarray, near: float) -> float:
    """Σ (x − near); x (positions,)."""
    total = x.dtype.type(0)
    for p in range(x.size):
        total += x[p] - near
    return np.float64(total)


@kernel
def line_sums(x: np.ndarray, near: float) -> tuple[float, float]:
    """Σ (x − near) and Σ (x − near)²; x (positions,)."""
    total, squares = x.dtype.type(0), x.dtype.type(0)
    for p in range(x.size):
        d = x[p] - near
        total += d
        squares += d * d
    return np.float64(total), np.float64(squares)


@kernel
def line_products(x: np.ndarray, dy: np.ndarray, near: float) -> tuple[float, float]:
    """Σ dy and Σ dy (x − near); x, dy (positions,)."""
    total, products = x.dtype.type(0), x.dtype.type(0)
    for p in range(x.size):
        total += dy[p]
        products += dy[p] * (x[p] - near)
    return np.float64(total), np.float64(products)


@kernel
def line_forward(x: np.ndarray, near: float, factor: float, shift: float, y: np.ndarray) -> None:
    """y = (x − near) · factor + shift; x, y (positions,)."""
    for p in range(x.size):
        y[p] = (x[p] - near) * factor + shift


@kernel
def line_backward(
    x: np.ndarray,
    dy: np.ndarray,
    near: float,
    factor: float,
    along: float,
    shift: float,
    dx: np.ndarray,
) -> None:
    """dx = factor · dy + along · (x − near) + shift; x, dy, dx (positions,)."""
    for p in range(x.size):
        dx[p] = factor * dy[p] + (along * (x[p] - near) + shift)


@kernel
def map_part(
    x: np.ndarray, a: int, b: int, channels: int, positions: int, part: np.ndarray
) -> None:
    """The part of images [a, b) of each map's statistics."""
    T = x.dtype.type
    n = np.float64(max(1, b - a) * positions)
    for c in range(channels):
        near, total = x.dtype.type(0), np.float64(0)
        if b > a:
            near = x[(a * channels + c) * positions]
        for i in range(a, b):
            total += line_sum(line_of(x, i * channels + c, positions), near)
        near = T(near + total / n)
        rest, squares = np.float64(0), np.float64(0)
        for i in range(a, b):
            sums = line_sums(line_of(x, i * channels + c, positions), near)
            rest += sums[0]
            squares += sums[1]
        set_part(part, c, b - a, near, rest / n, squares / n)


@kernel
def map_forward(
    x: np.ndarray,
    a: int,
    b: int,
    channels: int,
    positions: int,
    scale: np.ndarray,
    shift: np.ndarray,
    statistics: np.ndarray,
    y: np.ndarray,
) -> None:
    """y of the images [a, b); scale, shift (channels,)."""
    for c in range(channels):
        factor = scale[c] * statistics[INVERSE, c]
        offset = shift[c] - statistics[REST, c] * factor
        for i in range(a, b):
            number = i * channels + c
            source, target = line_of(x, number, positions), line_of(y, number, positions)
            line_forward(source, statistics[MEAN, c], factor, offset, target)


@kernel
def map_gradient_part(
    x: np.ndarray,
    dy: np.ndarray,
    a: int,
    b: int,
    channels: int,
    positions: int,
    statistics: np.ndarray,
    part: np.ndarray,
) -> None:
    """The part of images [a, b): Σ dy and Σ dy (x − near) of each map."""
    for c in range(channels):
        total, products, near = np.float64(0), np.float64(0), statistics[MEAN, c]
        for i in range(a, b):
            number = i * channels + c
            source, given = line_of(x, number, positions), line_of(dy, number, positions)
            sums = line_products(source, given, near)
            total += sums[0]
            products += sums[1]
        part[FIRST, c], part[SECOND, c] = total, products


@kernel
def map_backward_input(
    x: np.ndarray,
    dy: np.ndarray,
    a: int,
    b: int,
    channels: int,
    positions: int,
    n: int,
    statistics: np.ndarray,
    scale: np.ndarray,
    dscale: np.ndarray,
    dshift: np.ndarray,
    dx: np.ndarray,
) -> None:
    """dx of the images [a, b), where a map has n values in the batch."""
    values = x.dtype.type(n)
    for c in range(channels):
        factor = scale[c] * statistics[INVERSE, c]
        along = -factor * statistics[INVERSE, c] * (dscale[c] / values)
        offset = -factor * (dshift[c] / values) - along * statistics[REST, c]
        for i in range(a, b):
            number = i * channels + c
            source, given = line_of(x, number, positions), line_of(dy, number, positions)
            target = line_of(dx, number, positions)
            line_backward(source, given, statistics[MEAN, c], factor, along, offset, target)
