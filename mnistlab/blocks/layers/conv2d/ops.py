"""A convolution's ops by patches and BLAS: a lane's images."""

from typing import Any

import numpy as np

from mnistlab.blocks.layers.conv2d import maths
from mnistlab.runtime.kernel import kernel, view
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.op import GradientOperands, Operands
from mnistlab.runtime.parts import images_of, lane_grads_of, rows_of, scratch_of


class ConvOperands(GradientOperands):
    """Operands of a convolution: x (channels, height, width), y (filters, rows,
    columns) per image.
    """

    x: int  # slot
    y: int  # slot
    channels: int
    height: int
    width: int
    filters: int
    rows: int
    columns: int
    side: int  # of a patch
    stride: int
    padding: int
    weight: int  # offset in the parameter vector
    bias: int  # offset
    biases: int  # elements; 0 for none
    lane_grads: int  # elements of each lane's gradient
    lane_grads_at: int  # offset of the first lane's
    scratch: int = 0  # elements of scratch for each lane
    scratch_at: int = 0  # offset of the first lane's


@view
def filters_of(op: Any, values: np.ndarray) -> np.ndarray:
    """The weight (filters, channels, side, side) of a convolution, or its gradient."""
    size = op.filters * op.channels * op.side * op.side
    shape = (op.filters, op.channels, op.side, op.side)
    return values[op.weight : op.weight + size].reshape(shape)


@view
def filter_biases_of(op: Any, values: np.ndarray) -> np.ndarray:
    """The bias (filters, 1 or positions or 0) of a convolution, or its gradient."""
    return values[op.bias : op.bias + op.biases].reshape(op.filters, op.biases // op.filters)


@kernel
def conv2d_forward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    x = images_of(m.activations, m, op.x, rows, op.channels, op.height, op.width)
    y = images_of(m.activations, m, op.y, rows, op.filters, op.rows, op.columns)
    W, bias, scratch = (
        filters_of(op, m.params),
        filter_biases_of(op, m.params),
        scratch_of(op, m, lane),
    )
    maths.conv2d_forward(x[a:b], W, bias, y[a:b], scratch, op.stride, op.padding)


@kernel
def conv2d_backward_input(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    dx = images_of(m.deltas, m, op.x, rows, op.channels, op.height, op.width)
    dy = images_of(m.deltas, m, op.y, rows, op.filters, op.rows, op.columns)
    W, scratch = filters_of(op, m.params), scratch_of(op, m, lane)
    maths.conv2d_backward_input(dy[a:b], W, dx[a:b], scratch, op.stride, op.padding)


@kernel
def conv2d_backward_weights(
    op: Any, m: Memory, lane: int, step: int, first: int, rows: int
) -> None:
    """The gradient of a lane's images, in the lane's part of the memory."""
    a, b = rows_of(op, rows, lane)
    x = images_of(m.activations, m, op.x, rows, op.channels, op.height, op.width)
    dy = images_of(m.deltas, m, op.y, rows, op.filters, op.rows, op.columns)
    weights = op.filters * op.channels * op.side * op.side
    own = lane_grads_of(op, m, lane)
    dW = own[:weights].reshape(op.filters, op.channels, op.side, op.side)
    db = own[weights : weights + op.biases].reshape(op.filters, op.biases // op.filters)
    scratch = scratch_of(op, m, lane)
    maths.conv2d_backward_weights(x[a:b], dy[a:b], dW, db, scratch, op.stride, op.padding)


class AbsentOperands(Operands):
    """Operands of weights [begin, end) in the parameter vector that belong to no connection."""

    begin: int
    end: int


@kernel
def clear_gradient(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """Set the gradient of absent connections to 0, so that their weights stay 0."""
    for i in range(op.begin, op.end):
        m.grads[i] = 0


@kernel
def sum_lane_grads(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """The sum of the lanes' gradients of a convolution, in the order of the lanes."""
    weights = op.filters * op.channels * op.side * op.side
    dW = m.grads[op.weight : op.weight + weights]
    db = m.grads[op.bias : op.bias + op.biases]
    fresh = m.batch[0] == 0
    for other in range(op.row_lanes):
        own = lane_grads_of(op, m, other)
        replace = fresh and other == 0
        for j in range(weights):
            dW[j] = own[j] if replace else dW[j] + own[j]
        for j in range(op.biases):
            db[j] = own[weights + j] if replace else db[j] + own[weights + j]
