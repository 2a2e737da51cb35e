"""Pooling's ops: a lane's images."""

from typing import Any

from mnistlab.blocks.layers.pool2d import maths
from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.op import Operands
from mnistlab.runtime.parts import images_of, rows_of


class PoolOperands(Operands):
    """Of pooling of patches, side by side, of every channel of an image."""

    x: int  # slot of (channels, height, width)
    y: int  # slot of (channels, rows, columns)
    channels: int
    height: int
    width: int
    rows: int
    columns: int
    side: int  # of a patch
    stride: int


@kernel
def max_pool_forward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    x = images_of(m.activations, m, op.x, rows, op.channels, op.height, op.width)
    y = images_of(m.activations, m, op.y, rows, op.channels, op.rows, op.columns)
    maths.max_pool_forward(x[a:b], y[a:b], op.side, op.stride)


@kernel
def max_pool_forward_2(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    x = images_of(m.activations, m, op.x, rows, op.channels, op.height, op.width)
    y = images_of(m.activations, m, op.y, rows, op.channels, op.rows, op.columns)
    maths.max_pool_forward_2(x[a:b], y[a:b])


@kernel
def max_pool_backward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    x = images_of(m.activations, m, op.x, rows, op.channels, op.height, op.width)
    dx = images_of(m.deltas, m, op.x, rows, op.channels, op.height, op.width)
    dy = images_of(m.deltas, m, op.y, rows, op.channels, op.rows, op.columns)
    maths.max_pool_backward(x[a:b], dy[a:b], dx[a:b], op.side, op.stride)


@kernel
def max_pool_backward_2(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    x = images_of(m.activations, m, op.x, rows, op.channels, op.height, op.width)
    dx = images_of(m.deltas, m, op.x, rows, op.channels, op.height, op.width)
    dy = images_of(m.deltas, m, op.y, rows, op.channels, op.rows, op.columns)
    maths.max_pool_backward_2(x[a:b], dy[a:b], dx[a:b])


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
