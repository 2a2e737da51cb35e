"""Convolutions without padding by rows of output, with neither patches nor BLAS."""

from typing import Any

import numpy as np

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
from mnistlab.kernels.jit import kernel, view


@kernel
def dealt_width(op: Any) -> int:
    """The columns of an image of which each holds every stride-th of the input's."""
    return (op.width + op.stride - 1) // op.stride


@view
def dealt(op: Any, m: Memory, a: int, b: int) -> np.ndarray:
    """The inputs [a, b) with their columns dealt out; with a stride of 1 the inputs themselves."""
    size = op.channels * op.stride * op.height * dealt_width(op)
    return m.activations[op.dealt * m.capacity + a * size :][: (b - a) * size]


@view
def places(op: Any, m: Memory) -> np.ndarray:
    """Where the taps of a filter meet an image."""
    return m.numbers[op.numbers_at :][: op.channels * op.side * op.side]


@kernel
def find_places(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    wide = dealt_width(op)
    conv2d_direct.tap_places(op.channels, op.height, wide, op.side, op.stride, places(op, m))


@kernel
def direct_forward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """A lane's images."""
    a, b = rows_of(op, rows, lane)
    images = images_of(m.activations, m, op.x, rows, op.channels, op.height, op.width)
    bias, packed = filter_biases_of(op, m.params).reshape(-1), scratch_of(op, m, lane)
    out, wide, at = op.filters * op.rows * op.columns, dealt_width(op), places(op, m)
    conv2d_direct.pack_filters(filters_of(op, m.params).reshape(-1), op.filters, at.size, packed)
    for i in range(a, b):
        x = dealt(op, m, i, i + 1)
        if op.stride > 1:
            conv2d_direct.deal_columns(
                images[i], x.reshape(op.channels, op.stride, op.height, wide)
            )
        y = m.activations[op.y * m.capacity + i * out :][:out]
        conv2d_direct.direct_forward(
            x, at, packed, bias, y, wide, op.filters, op.rows, op.columns, op.stride
        )


@kernel
def direct_backward_weights(
    op: Any, m: Memory, lane: int, step: int, first: int, rows: int
) -> None:
    """The gradient of a lane's images, into the lane's own part of the memory."""
    a, b = rows_of(op, rows, lane)
    out = op.filters * op.rows * op.columns
    weights = op.filters * op.channels * op.side * op.side
    own = lane_grads_of(op, m, lane)
    dy = m.deltas[op.y * m.capacity + a * out :][: (b - a) * out]
    wide = dealt_width(op)
    size = op.channels * op.stride * op.height * wide
    conv2d_direct.direct_backward_weights(
        dealt(op, m, a, b), places(op, m), dy, own[:weights], b - a, size, wide, op.filters,
        op.rows, op.columns, op.stride, scratch_of(op, m, lane),
    )  # fmt: skip
    if op.biases > 0:
        db = own[weights : weights + op.biases].reshape(op.filters, op.biases // op.filters)
        conv2d_direct.bias_gradient(dy.reshape(b - a, op.filters, op.rows * op.columns), db)


@kernel
def find_places_back(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    border = op.side - 1
    high, wide = op.rows + 2 * border, op.columns + 2 * border
    found = m.numbers[op.numbers_at :][: op.filters * op.side * op.side]
    conv2d_direct.tap_places(op.filters, high, wide, op.side, 1, found)


@kernel
def direct_backward_input(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """A lane's images, stride 1: a convolution of the framed gradient with filters turned round."""
    a, b = rows_of(op, rows, lane)
    dy = images_of(m.deltas, m, op.y, rows, op.filters, op.rows, op.columns)
    scratch, border = scratch_of(op, m, lane), op.side - 1
    taps = op.filters * op.side * op.side
    turned, rest = scratch[: op.channels * taps], scratch[op.channels * taps :]
    conv2d_direct.turn_filters(
        filters_of(op, m.params), turned.reshape(op.channels, op.filters, op.side, op.side)
    )
    high, wide = op.rows + 2 * border, op.columns + 2 * border
    framed, packed = rest[: op.filters * high * wide], rest[op.filters * high * wide :]
    conv2d_direct.pack_filters(turned, op.channels, taps, packed)
    at, size = m.numbers[op.numbers_at :][:taps], op.channels * op.height * op.width
    for i in range(a, b):
        conv2d_direct.frame(dy[i], framed.reshape(op.filters, high, wide), border)
        dx = m.deltas[op.x * m.capacity + i * size :][:size]
        conv2d_direct.direct_forward(
            framed, at, packed, packed[:0], dx, wide, op.channels, op.height, op.width, 1
        )
