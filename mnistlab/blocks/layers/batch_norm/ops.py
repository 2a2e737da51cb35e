"""Batch normalisation's ops: lanes divide the channels, so each has its whole batch."""

from typing import Any

import numpy as np

from mnistlab.blocks.layers.batch_norm import maths
from mnistlab.runtime.kernel import kernel, view
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.op import Operands
from mnistlab.runtime.parts import rows_of


class BatchNormOperands(Operands):
    """Operands of batch normalisation: x, y (channels, positions) per row."""

    x: int  # slot
    y: int  # slot
    channels: int
    positions: int
    scale: int  # offset in the parameter vector, followed by the other three
    shift: int
    running_mean: int
    running_variance: int
    statistics: int  # offset in the scratch
    momentum: float
    epsilon: float
    sends: bool  # whether the gradient of the inputs is computed: images need none in training


@view
def channels_of(op: Any, values: np.ndarray, m: Memory, start: int, rows: int) -> np.ndarray:
    """A slot's rows as (rows, channels, positions)."""
    begin, size = start * m.capacity, rows * op.channels * op.positions
    return values[begin : begin + size].reshape(rows, op.channels, op.positions)


@view
def vector_of(op: Any, values: np.ndarray, offset: int) -> np.ndarray:
    """A tensor (channels,) of the layer, in a flat vector."""
    return values[offset : offset + op.channels]


@view
def statistics_of(op: Any, m: Memory) -> np.ndarray:
    """The values kept for the backward pass, see maths.py."""
    size = maths.STATISTICS * op.channels
    return m.scratch[op.statistics : op.statistics + size].reshape(maths.STATISTICS, op.channels)


@kernel
def batch_norm_forward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, op.channels, lane)
    x = channels_of(op, m.activations, m, op.x, rows)[:, a:b]
    y = channels_of(op, m.activations, m, op.y, rows)[:, a:b]
    statistics = statistics_of(op, m)[:, a:b]
    scale, shift = vector_of(op, m.params, op.scale), vector_of(op, m.params, op.shift)
    maths.batch_statistics(x, op.epsilon, statistics)
    maths.batch_norm_forward(x, scale[a:b], shift[a:b], statistics, y)


@kernel
def batch_norm_backward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, op.channels, lane)
    x = channels_of(op, m.activations, m, op.x, rows)[:, a:b]
    dy = channels_of(op, m.deltas, m, op.y, rows)[:, a:b]
    statistics = statistics_of(op, m)[:, a:b]
    scale = vector_of(op, m.params, op.scale)[a:b]
    dscale = vector_of(op, m.grads, op.scale)[a:b]
    dshift = vector_of(op, m.grads, op.shift)[a:b]
    maths.batch_norm_backward_weights(x, dy, statistics, dscale, dshift)
    if op.sends:
        dx = channels_of(op, m.deltas, m, op.x, rows)[:, a:b]
        maths.batch_norm_backward_input(x, dy, statistics, scale, dscale, dshift, dx)


@kernel
def keep_statistics(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """Update the running statistics with the batch's."""
    mean = vector_of(op, m.params, op.running_mean)
    variance = vector_of(op, m.params, op.running_variance)
    n = rows * op.positions
    maths.update_running(statistics_of(op, m), n, op.momentum, mean, variance)


@kernel
def running_forward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    maths.running_forward(
        channels_of(op, m.activations, m, op.x, rows)[a:b],
        vector_of(op, m.params, op.scale),
        vector_of(op, m.params, op.shift),
        vector_of(op, m.params, op.running_mean),
        vector_of(op, m.params, op.running_variance),
        op.epsilon,
        channels_of(op, m.activations, m, op.y, rows)[a:b],
    )


@kernel
def running_backward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    maths.running_backward_input(
        channels_of(op, m.deltas, m, op.y, rows)[a:b],
        vector_of(op, m.params, op.scale),
        vector_of(op, m.params, op.running_variance),
        op.epsilon,
        channels_of(op, m.deltas, m, op.x, rows)[a:b],
    )
