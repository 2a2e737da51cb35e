"""Pooling's ops: a lane's images."""

from typing import Any

import numpy as np

from mnistlab.blocks.layers.pool2d import maths, pairs
from mnistlab.runtime.kernel import kernel, view
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.op import Operands
from mnistlab.runtime.parts import flat, images_of, rows_of


class PoolOperands(Operands):
    """Operands of pooling of adjacent patches, of every channel of an image."""

    x: int  # slot of (channels, height, width)
    y: int  # slot of (channels, rows, columns)
    channels: int
    height: int
    width: int
    rows: int
    columns: int
    side: int  # of a patch
    stride: int


@view
def pixels_of(values: np.ndarray, op: Any, m: Memory, a: int, b: int) -> np.ndarray:
    """The pixels of the images [a, b), flat, or their gradient."""
    return flat(values, m, op.x, a, b, op.channels * op.height * op.width)


@view
def patches_of(values: np.ndarray, op: Any, m: Memory, a: int, b: int) -> np.ndarray:
    """The outputs of the images [a, b), flat, or their gradient."""
    return flat(values, m, op.y, a, b, op.channels * op.rows * op.columns)


@kernel
def max_pool_forward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    x = images_of(m.activations, m, op.x, rows, op.channels, op.height, op.width)
    y = images_of(m.activations, m, op.y, rows, op.channels, op.rows, op.columns)
    maths.max_pool_forward(x[a:b], y[a:b], op.side, op.stride)


@kernel
def max_pool_backward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    x = images_of(m.activations, m, op.x, rows, op.channels, op.height, op.width)
    dx = images_of(m.deltas, m, op.x, rows, op.channels, op.height, op.width)
    dy = images_of(m.deltas, m, op.y, rows, op.channels, op.rows, op.columns)
    maths.max_pool_backward(x[a:b], dy[a:b], dx[a:b], op.side, op.stride)


@kernel
def average_pool_forward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    x = images_of(m.activations, m, op.x, rows, op.channels, op.height, op.width)
    y = images_of(m.activations, m, op.y, rows, op.channels, op.rows, op.columns)
    maths.average_pool_forward(x[a:b], y[a:b], op.side, op.stride)


@kernel
def average_pool_backward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    dx = images_of(m.deltas, m, op.x, rows, op.channels, op.height, op.width)
    dy = images_of(m.deltas, m, op.y, rows, op.channels, op.rows, op.columns)
    maths.average_pool_backward(dy[a:b], dx[a:b], op.side, op.stride)


@kernel
def max_pool_forward_2(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    x, y = pixels_of(m.activations, op, m, a, b), patches_of(m.activations, op, m, a, b)
    pairs.max_pool_forward_2(x, y, (b - a) * op.channels, op.height, op.width)


@kernel
def max_pool_backward_2(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    x, dx = pixels_of(m.activations, op, m, a, b), pixels_of(m.deltas, op, m, a, b)
    dy = patches_of(m.deltas, op, m, a, b)
    pairs.max_pool_backward_2(x, dy, dx, (b - a) * op.channels, op.height, op.width)


@kernel
def average_pool_forward_2(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    x, y = pixels_of(m.activations, op, m, a, b), patches_of(m.activations, op, m, a, b)
    pairs.average_pool_forward_2(x, y, (b - a) * op.channels, op.height, op.width)


@kernel
def average_pool_backward_2(
    op: Any, m: Memory, lane: int, step: int, first: int, rows: int
) -> None:
    a, b = rows_of(op, rows, lane)
    dx, dy = pixels_of(m.deltas, op, m, a, b), patches_of(m.deltas, op, m, a, b)
    pairs.average_pool_backward_2(dy, dx, (b - a) * op.channels, op.height, op.width)
