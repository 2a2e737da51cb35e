"""Ops of convolutions by rows of output, without patches and BLAS."""

from typing import Any

import numpy as np

from mnistlab.blocks.layers.conv2d import without_patches, without_patches_gradient
from mnistlab.blocks.layers.conv2d.ops import ConvOperands, filter_biases_of, filters_of
from mnistlab.runtime.kernel import kernel, view
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.parts import images_of, lane_grads_of, rows_of, scratch_of


class WithoutPatchesOperands(ConvOperands):
    """Operands of a convolution, and further ones of these kernels."""

    framed: int  # slot of the input with its padding, its columns ordered by their remainder of
    # the stride; the input's own where they are the same
    frames: int  # 1 for an op that writes it
    taps_at: int  # where the offsets of its taps begin


@kernel
def framed_height(op: Any) -> int:
    """The rows of a framed image."""
    return op.height + 2 * op.padding


@kernel
def framed_width(op: Any) -> int:
    """The columns of a framed image, which has every stride-th column of the padded input."""
    return (op.width + 2 * op.padding + op.stride - 1) // op.stride


@view
def framed(op: Any, m: Memory, a: int, b: int) -> np.ndarray:
    """The inputs [a, b), framed; without padding and stride the inputs themselves."""
    size = op.channels * op.stride * framed_height(op) * framed_width(op)
    return m.activations[op.framed * m.capacity + a * size :][: (b - a) * size]


@kernel
def frame_image(op: Any, m: Memory, i: int, rows: int) -> None:
    """Frame an input, if the op has to."""
    if op.frames:
        images = images_of(m.activations, m, op.x, rows, op.channels, op.height, op.width)
        shape = (op.channels, op.stride, framed_height(op), framed_width(op))
        without_patches.frame(images[i], framed(op, m, i, i + 1).reshape(shape), op.padding)


@view
def tap_offsets(op: Any, m: Memory) -> np.ndarray:
    """The offsets of a filter's taps in an image."""
    return m.tap_offsets[op.taps_at :][: op.channels * op.side * op.side]


@kernel
def find_tap_offsets(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    high, wide = framed_height(op), framed_width(op)
    without_patches.tap_offsets(op.channels, high, wide, op.side, op.stride, tap_offsets(op, m))


@kernel
def forward_without_patches(
    op: Any, m: Memory, lane: int, step: int, first: int, rows: int
) -> None:
    """The outputs of a lane's images."""
    a, b = rows_of(op, rows, lane)
    bias, packed = filter_biases_of(op, m.params).reshape(-1), scratch_of(op, m, lane)
    out, wide, at = op.filters * op.rows * op.columns, framed_width(op), tap_offsets(op, m)
    without_patches.pack_filters(filters_of(op, m.params).reshape(-1), op.filters, at.size, packed)
    for i in range(a, b):
        frame_image(op, m, i, rows)
        x = framed(op, m, i, i + 1)
        y = m.activations[op.y * m.capacity + i * out :][:out]
        without_patches.forward_without_patches(
            x, at, packed, bias, y, wide, op.filters, op.rows, op.columns, op.stride
        )


@kernel
def backward_weights_without_patches(
    op: Any, m: Memory, lane: int, step: int, first: int, rows: int
) -> None:
    """The gradient of a lane's images, in the lane's part of the memory."""
    a, b = rows_of(op, rows, lane)
    out = op.filters * op.rows * op.columns
    weights = op.filters * op.channels * op.side * op.side
    own = lane_grads_of(op, m, lane)
    dy = m.deltas[op.y * m.capacity + a * out :][: (b - a) * out]
    wide = framed_width(op)
    size = op.channels * op.stride * framed_height(op) * wide
    for i in range(a, b):
        frame_image(op, m, i, rows)
    without_patches_gradient.backward_weights_without_patches(
        framed(op, m, a, b), tap_offsets(op, m), dy, own[:weights], b - a, size, wide,
        op.filters, op.rows, op.columns, op.stride, scratch_of(op, m, lane),
    )  # fmt: skip
    if op.biases > 0:
        db = own[weights : weights + op.biases].reshape(op.filters, op.biases // op.filters)
        without_patches_gradient.bias_gradient(
            dy.reshape(b - a, op.filters, op.rows * op.columns), db
        )


@kernel
def find_tap_offsets_back(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    high, wide = op.height + op.side - 1, op.width + op.side - 1
    found = m.tap_offsets[op.taps_at :][: op.filters * op.side * op.side]
    without_patches.tap_offsets(op.filters, high, wide, op.side, 1, found)


@kernel
def backward_input_without_patches(
    op: Any, m: Memory, lane: int, step: int, first: int, rows: int
) -> None:
    """A lane's images, stride 1: a convolution of the padded gradient with the flipped filters."""
    a, b = rows_of(op, rows, lane)
    dy = images_of(m.deltas, m, op.y, rows, op.filters, op.rows, op.columns)
    scratch, border = scratch_of(op, m, lane), op.side - 1 - op.padding
    taps = op.filters * op.side * op.side
    turned, rest = scratch[: op.channels * taps], scratch[op.channels * taps :]
    without_patches.turn_filters(
        filters_of(op, m.params), turned.reshape(op.channels, op.filters, op.side, op.side)
    )
    high, wide = op.height + op.side - 1, op.width + op.side - 1
    wider, packed = rest[: op.filters * high * wide], rest[op.filters * high * wide :]
    without_patches.pack_filters(turned, op.channels, taps, packed)
    at, size = m.tap_offsets[op.taps_at :][:taps], op.channels * op.height * op.width
    for i in range(a, b):
        without_patches.frame(dy[i], wider.reshape(op.filters, 1, high, wide), border)
        dx = m.deltas[op.x * m.capacity + i * size :][:size]
        without_patches.forward_without_patches(
            wider, at, packed, packed[:0], dx, wide, op.channels, op.height, op.width, 1
        )
