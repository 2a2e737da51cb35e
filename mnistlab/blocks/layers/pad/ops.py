"""Padding's ops: a lane's images."""

from typing import Any

from mnistlab.blocks.layers.pad import maths
from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.op import Operands
from mnistlab.runtime.parts import images_of, rows_of


class PadOperands(Operands):
    """Operands of a border of `size` pixels around the channels of an image."""

    x: int  # slot of (channels, height, width)
    y: int  # slot of (channels, height + 2 size, width + 2 size)
    channels: int
    height: int
    width: int
    size: int
    value: float


@kernel
def pad_forward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    high, wide = op.height + 2 * op.size, op.width + 2 * op.size
    x = images_of(m.activations, m, op.x, rows, op.channels, op.height, op.width)
    y = images_of(m.activations, m, op.y, rows, op.channels, high, wide)
    maths.pad(x[a:b], op.size, op.value, y[a:b])


@kernel
def pad_backward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    high, wide = op.height + 2 * op.size, op.width + 2 * op.size
    dx = images_of(m.deltas, m, op.x, rows, op.channels, op.height, op.width)
    dy = images_of(m.deltas, m, op.y, rows, op.channels, high, wide)
    maths.pad_backward(dy[a:b], op.size, dx[a:b])
