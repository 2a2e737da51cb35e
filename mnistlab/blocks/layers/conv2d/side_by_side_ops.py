"""Ops of convolutions of several images side by side: a lane's images, one tile at a time."""

from typing import Any

import numpy as np

from mnistlab.blocks.layers.conv2d import side_by_side, without_patches, without_patches_gradient
from mnistlab.blocks.layers.conv2d.ops import ConvOperands, filter_biases_of, filters_of
from mnistlab.blocks.layers.conv2d.side_by_side import TAPS, TILE
from mnistlab.runtime.kernel import kernel, view
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.parts import flat, lane_grads_of, rows_of, scratch_of


class SideBySideOperands(ConvOperands):
    """Operands of a convolution, and further ones of these kernels.

    A framed image has `high` rows of `wide` pixels for each remainder modulo the stride. The last
    four are elements of scratch, including those that may be read beyond the end of a tile.
    """

    high: int
    wide: int
    taps_at: int = 0  # where the offsets of its taps begin
    x_tile: int
    framed: int  # of a framed tile
    y_tile: int
    sums: int = 0  # of the products for the weights' gradient


@kernel
def find_tap_offsets(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    side_by_side.tap_offsets(op.channels, op.high, op.wide, op.side, op.stride, tap_offsets(op, m))


@view
def tap_offsets(op: Any, m: Memory) -> np.ndarray:
    """The offsets of a filter's taps in a framed tile, padded to the number that is
    summed at once.
    """
    taps = op.channels * op.side * op.side
    return m.tap_offsets[op.taps_at :][: (taps + TAPS - 1) // TAPS * TAPS]


@view
def framed_tile(op: Any, m: Memory, a: int, b: int, scratch: np.ndarray) -> np.ndarray:
    """The tile of the inputs [a, b), in scratch; framed if there is padding or a stride."""
    size = op.channels * op.height * op.width
    tile, framed = scratch[: op.x_tile], scratch[op.x_tile : op.x_tile + op.framed]
    side_by_side.turn_images_in(flat(m.activations, m, op.x, a, b, size), size, tile)
    if op.framed == 0:
        framed = tile
    else:
        side_by_side.frame(
            tile, framed, op.channels, op.height, op.width, op.padding, 1,
            op.high, op.wide * op.stride, op.stride,
        )  # fmt: skip
    return framed


@kernel
def turned_gradient(op: Any, m: Memory, a: int, b: int, dy: np.ndarray) -> None:
    """The tile of the gradient of the outputs [a, b)."""
    outputs = op.filters * op.rows * op.columns
    side_by_side.turn_images_in(flat(m.deltas, m, op.y, a, b, outputs), outputs, dy)


@kernel
def framed_gradient(op: Any, m: Memory, a: int, b: int, dy: np.ndarray, framed: np.ndarray) -> None:
    """The tile of the gradient of the outputs [a, b), framed, with its pixels a stride apart."""
    turned_gradient(op, m, a, b, dy)
    side_by_side.frame(
        dy, framed, op.filters, op.rows, op.columns, op.side - 1 - op.padding, op.stride,
        op.high, op.wide, 1,
    )  # fmt: skip


@kernel
def store_outputs(op: Any, m: Memory, a: int, b: int, y: np.ndarray) -> None:
    """Store the outputs [a, b) from their tile, and add biases by position."""
    outputs = op.filters * op.rows * op.columns
    if op.biases > op.filters:
        side_by_side.add_to_pixels(y, filter_biases_of(op, m.params).reshape(-1))
    side_by_side.turn_images_out(y, outputs, flat(m.activations, m, op.y, a, b, outputs))


@kernel
def store_input_gradient(op: Any, m: Memory, a: int, b: int, dx: np.ndarray) -> None:
    """Store the gradient of the inputs [a, b) from its tile."""
    inputs = op.channels * op.height * op.width
    side_by_side.turn_images_out(dx, inputs, flat(m.deltas, m, op.x, a, b, inputs))


@view
def shared_biases(op: Any, m: Memory) -> np.ndarray:
    """The bias of each filter; (0,) if there are none or one for each position."""
    biases = filter_biases_of(op, m.params).reshape(-1)
    return biases if op.biases == op.filters else biases[:0]


@kernel
def turn_own_filters(op: Any, m: Memory, turned: np.ndarray) -> None:
    """The flipped filters, (channels · filters · side²,)."""
    shape = (op.channels, op.filters, op.side, op.side)
    without_patches.turn_filters(filters_of(op, m.params), turned.reshape(shape))


@kernel
def forward_side_by_side(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    taps, shared = op.channels * op.side * op.side, shared_biases(op, m)
    scratch = scratch_of(op, m, lane)
    rest = scratch[op.x_tile + op.framed :]
    y, packed = rest[: op.y_tile], rest[op.y_tile :]
    without_patches.pack_filters(filters_of(op, m.params).reshape(-1), op.filters, taps, packed)
    for i in range(a, b, TILE):
        end = min(i + TILE, b)
        framed = framed_tile(op, m, i, end, scratch)
        side_by_side.correlate(
            framed, packed, shared, y, op.channels, op.high, op.wide, op.padding, op.height,
            op.width, 1, op.filters, op.rows, op.columns, op.side, op.stride,
        )  # fmt: skip
        store_outputs(op, m, i, end, y)


@kernel
def own_bias_gradient(op: Any, m: Memory, own: np.ndarray, a: int, b: int) -> None:
    """The biases' gradient of the images [a, b), after the weights' in a lane's part."""
    if op.biases > 0:
        weights = op.filters * op.channels * op.side * op.side
        outputs = op.filters * op.rows * op.columns
        db = own[weights : weights + op.biases].reshape(op.filters, op.biases // op.filters)
        gradient = flat(m.deltas, m, op.y, a, b, outputs)
        without_patches_gradient.bias_gradient(
            gradient.reshape(b - a, op.filters, op.rows * op.columns), db
        )


@kernel
def backward_weights_side_by_side(
    op: Any, m: Memory, lane: int, step: int, first: int, rows: int
) -> None:
    """The gradient of a lane's images, in the lane's part of the memory."""
    a, b = rows_of(op, rows, lane)
    taps = op.channels * op.side * op.side
    own, scratch = lane_grads_of(op, m, lane), scratch_of(op, m, lane)
    rest = scratch[op.x_tile + op.framed :]
    dy, sums = rest[: op.y_tile], rest[op.y_tile : op.y_tile + op.sums]
    offsets, down = tap_offsets(op, m), op.stride * op.stride * op.wide
    for j in range(sums.size):
        sums[j] = 0
    for i in range(a, b, TILE):
        end = min(i + TILE, b)
        framed = framed_tile(op, m, i, end, scratch)
        turned_gradient(op, m, i, end, dy)
        side_by_side.add_products(framed, offsets, dy, sums, op.filters, op.rows, op.columns, down)
    side_by_side.in_order(sums, own, op.filters, taps)
    own_bias_gradient(op, m, own, a, b)


@kernel
def backward_input_side_by_side(
    op: Any, m: Memory, lane: int, step: int, first: int, rows: int
) -> None:
    """A convolution of the framed gradient, its pixels a stride apart, with the flipped filters."""
    a, b = rows_of(op, rows, lane)
    taps, border = op.filters * op.side * op.side, op.side - 1 - op.padding
    scratch = scratch_of(op, m, lane)
    dx, dy = scratch[: op.x_tile], scratch[op.x_tile : op.x_tile + op.y_tile]
    rest = scratch[op.x_tile + op.y_tile :]
    framed, rest = rest[: op.framed], rest[op.framed :]
    turned, packed = rest[: op.channels * taps], rest[op.channels * taps :]
    turn_own_filters(op, m, turned)
    without_patches.pack_filters(turned, op.channels, taps, packed)
    lines, across = (op.rows - 1) * op.stride + 1, (op.columns - 1) * op.stride + 1
    for i in range(a, b, TILE):
        end = min(i + TILE, b)
        framed_gradient(op, m, i, end, dy, framed)
        side_by_side.correlate(
            framed, packed, packed[:0], dx, op.filters, op.high, op.wide, border, lines, across,
            op.stride, op.channels, op.height, op.width, op.side, 1,
        )  # fmt: skip
        store_input_gradient(op, m, i, end, dx)
