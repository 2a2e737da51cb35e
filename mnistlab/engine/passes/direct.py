"""Convolutions of stride 1 by rows of output, with neither patches nor BLAS."""

from typing import Any

from mnistlab.engine.passes.layers import (
    filter_biases_of,
    filters_of,
    images_of,
    lane_grads_of,
    scratch_of,
)
from mnistlab.engine.passes.views import rows_of
from mnistlab.engine.program import Memory
from mnistlab.kernels import conv2d_direct
from mnistlab.kernels.jit import generic_kernel, kernel


@generic_kernel
def forward(op: Any, m: Memory, lane: int, rows: int, lanes: int) -> None:
    """A lane's images."""
    a, b = rows_of(op, rows, lane)
    W, bias = filters_of(op, m.params).reshape(-1), filter_biases_of(op, m.params).reshape(-1)
    size, out = op.channels * op.height * op.width, op.filters * op.rows * op.columns
    for i in range(a, b):
        x = m.activations[op.x * m.capacity + i * size :][:size]
        y = m.activations[op.y * m.capacity + i * out :][:out]
        conv2d_direct.direct_forward(
            x, W, bias, y, op.channels, op.width, op.filters, op.rows, op.columns, op.side, lanes
        )


@kernel
def direct_forward_16(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    forward(op, m, lane, rows, 16)


@kernel
def direct_forward_32(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    forward(op, m, lane, rows, 32)


@generic_kernel
def backward_weights(op: Any, m: Memory, lane: int, rows: int, lanes: int) -> None:
    """The gradient of a lane's images, into the lane's own part of the memory."""
    a, b = rows_of(op, rows, lane)
    size, out = op.channels * op.height * op.width, op.filters * op.rows * op.columns
    weights = op.filters * op.channels * op.side * op.side
    own = lane_grads_of(op, m, lane)
    x = m.activations[op.x * m.capacity + a * size :][: (b - a) * size]
    dy = m.deltas[op.y * m.capacity + a * out :][: (b - a) * out]
    conv2d_direct.direct_backward_weights(
        x, dy, own[:weights], b - a, op.channels, op.width, op.filters, op.rows, op.columns,
        op.side, lanes,
    )  # fmt: skip
    if op.biases > 0:
        db = own[weights : weights + op.biases].reshape(op.filters, op.biases // op.filters)
        conv2d_direct.bias_gradient(dy.reshape(b - a, op.filters, op.rows * op.columns), db)


@kernel
def direct_backward_weights_16(
    op: Any, m: Memory, lane: int, step: int, first: int, rows: int
) -> None:
    backward_weights(op, m, lane, rows, 16)


@kernel
def direct_backward_weights_32(
    op: Any, m: Memory, lane: int, step: int, first: int, rows: int
) -> None:
    backward_weights(op, m, lane, rows, 32)


@generic_kernel
def backward_input(op: Any, m: Memory, lane: int, rows: int, lanes: int) -> None:
    """A lane's images: a convolution of the framed gradient with the filters turned round."""
    a, b = rows_of(op, rows, lane)
    dy = images_of(m.deltas, m, op.y, rows, op.filters, op.rows, op.columns)
    scratch, border = scratch_of(op, m, lane), op.side - 1
    weights = op.filters * op.channels * op.side * op.side
    turned = scratch[:weights]
    conv2d_direct.turn_filters(
        filters_of(op, m.params), turned.reshape(op.channels, op.filters, op.side, op.side)
    )
    high, wide = op.rows + 2 * border, op.columns + 2 * border
    framed = scratch[weights : weights + op.filters * high * wide]
    size = op.channels * op.height * op.width
    for i in range(a, b):
        conv2d_direct.frame(dy[i], framed.reshape(op.filters, high, wide), border)
        dx = m.deltas[op.x * m.capacity + i * size :][:size]
        conv2d_direct.direct_forward(
            framed, turned, turned[:0], dx, op.filters, wide, op.channels, op.height, op.width,
            op.side, lanes,
        )  # fmt: skip


@kernel
def direct_backward_input_16(
    op: Any, m: Memory, lane: int, step: int, first: int, rows: int
) -> None:
    backward_input(op, m, lane, rows, 16)


@kernel
def direct_backward_input_32(
    op: Any, m: Memory, lane: int, step: int, first: int, rows: int
) -> None:
    backward_input(op, m, lane, rows, 32)


# By the lanes of the vector that holds a piece of a row.
FORWARD = {16: direct_forward_16, 32: direct_forward_32}
BACKWARD_WEIGHTS = {16: direct_backward_weights_16, 32: direct_backward_weights_32}
BACKWARD_INPUT = {16: direct_backward_input_16, 32: direct_backward_input_32}
