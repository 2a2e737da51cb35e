"""Ops of convolutions with fewer products: a lane's images, one tile at a time."""

from typing import Any

from mnistlab.blocks.layers.conv2d import (
    fewer_products,
    fewer_products_gradient,
)
from mnistlab.blocks.layers.conv2d.ops import filters_of
from mnistlab.blocks.layers.conv2d.side_by_side import TILE
from mnistlab.blocks.layers.conv2d.side_by_side_ops import (
    SideBySideOperands,
    framed_gradient,
    framed_tile,
    own_bias_gradient,
    shared_biases,
    store_input_gradient,
    store_outputs,
    turn_own_filters,
    turned_gradient,
)
from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.parts import lane_grads_of, rows_of, scratch_of


class FewerProductsOperands(SideBySideOperands):
    """Operands of images side by side, and the elements of scratch for squares."""

    filter_squares: int = 0  # of all filters, transformed
    squares: int  # of a block of patches and its products


@kernel
def forward_fewer_products(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    shared, scratch = shared_biases(op, m), scratch_of(op, m, lane)
    rest = scratch[op.x_tile + op.framed :]
    y, rest = rest[: op.y_tile], rest[op.y_tile :]
    filters, squares = rest[: op.filter_squares], rest[op.filter_squares :]
    fewer_products.transform_filters(
        filters_of(op, m.params).reshape(-1), op.filters, op.channels, filters
    )
    for i in range(a, b, TILE):
        end = min(i + TILE, b)
        framed = framed_tile(op, m, i, end, scratch)
        fewer_products.correlate_3x3(
            framed, filters, shared, y, squares, op.channels, op.high, op.wide, op.filters
        )
        store_outputs(op, m, i, end, y)


@kernel
def backward_weights_fewer_products(
    op: Any, m: Memory, lane: int, step: int, first: int, rows: int
) -> None:
    """The gradient of a lane's images, in the lane's part of the memory."""
    a, b = rows_of(op, rows, lane)
    own, scratch = lane_grads_of(op, m, lane), scratch_of(op, m, lane)
    rest = scratch[op.x_tile + op.framed :]
    dy, rest = rest[: op.y_tile], rest[op.y_tile :]
    sums, squares = rest[: op.sums], rest[op.sums :]
    for j in range(sums.size):
        sums[j] = 0
    for i in range(a, b, TILE):
        end = min(i + TILE, b)
        framed = framed_tile(op, m, i, end, scratch)
        turned_gradient(op, m, i, end, dy)
        fewer_products_gradient.add_squares(
            framed, dy, squares, sums, op.channels, op.high, op.wide, op.filters
        )
    fewer_products_gradient.filters_from_squares(sums, squares, own, op.filters, op.channels)
    own_bias_gradient(op, m, own, a, b)


@kernel
def backward_input_fewer_products(
    op: Any, m: Memory, lane: int, step: int, first: int, rows: int
) -> None:
    """A convolution of the padded gradient with the flipped filters."""
    a, b = rows_of(op, rows, lane)
    taps = op.filters * op.side * op.side
    scratch = scratch_of(op, m, lane)
    dx, dy = scratch[: op.x_tile], scratch[op.x_tile : op.x_tile + op.y_tile]
    rest = scratch[op.x_tile + op.y_tile :]
    framed, rest = rest[: op.framed], rest[op.framed :]
    turned, rest = rest[: op.channels * taps], rest[op.channels * taps :]
    filters, squares = rest[: op.filter_squares], rest[op.filter_squares :]
    turn_own_filters(op, m, turned)
    fewer_products.transform_filters(turned, op.channels, op.filters, filters)
    for i in range(a, b, TILE):
        end = min(i + TILE, b)
        framed_gradient(op, m, i, end, dy, framed)
        fewer_products.correlate_3x3(
            framed, filters, filters[:0], dx, squares, op.filters, op.high, op.wide, op.channels
        )
        store_input_gradient(op, m, i, end, dx)
