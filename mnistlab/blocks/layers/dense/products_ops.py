"""The ops of a dense layer with sums in registers.

Forward, lanes divide columns and images, or images; for the weights' gradient, the inputs; for that
of the inputs, the inputs, or images.
"""

from typing import Any

from mnistlab.blocks.layers.dense import input_gradient, products
from mnistlab.blocks.layers.dense.maths import bias_gradient
from mnistlab.blocks.layers.dense.ops import DenseOperands, columns_of
from mnistlab.runtime.actions import ADD, MOMENTUM, SET
from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.parts import (
    flat,
    momentum_of,
    rate_of,
    rows_of,
    scratch_of,
    share,
    slot,
    state_of,
)


class ProductsOperands(DenseOperands):
    """Operands of a dense layer, and how its forward pass is divided."""

    parts: int  # by columns: parts of the images
    block: int  # inputs that are added at a time
    copies: bool  # whether their rows of W are copied first
    tiles: int  # of columns, whose rows of W are copied together
    scratch: int  # elements of scratch for each lane
    scratch_at: int  # offset of the first lane's


class GradientProductsOperands(DenseOperands):
    """Operands of a dense layer, and the scratch of its backward pass."""

    columns_at: int  # offset in scratch of the gradient of the outputs, laid out by columns
    scratch: int  # elements of scratch for each lane
    scratch_at: int  # offset of the first lane's


@kernel
def products_forward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """A lane's units of the output. By columns, a unit is some tiles for a part of the images."""
    W = m.params[op.weight :][: op.inputs * op.outputs]
    bias, scratch = m.params[op.bias : op.bias + op.biases], scratch_of(op, m, lane)
    columns = products.columns_of_tile(W) * op.tiles
    groups = (op.outputs + columns - 1) // columns
    begin, end, parts = 0, groups, 1
    a, b = 0, rows
    if op.by_column:
        parts = op.parts
        begin, end = share(groups * parts, op.lanes, lane)
    else:
        a, b = rows_of(op, rows, lane)
    blocks = (b - a + products.ROWS - 1) // products.ROWS
    for unit in range(begin, end):
        c, d = share(blocks, parts, unit % parts)
        c, d = a + c * products.ROWS, min(b, a + d * products.ROWS)
        x = flat(m.activations, m, op.x, c, d, op.inputs)
        y = flat(m.activations, m, op.y, c, d, op.outputs)
        products.forward(
            x, d - c, W, bias, y, op.inputs, op.outputs, unit // parts * columns, op.tiles,
            op.block, op.copies == 1, scratch,
        )  # fmt: skip


@kernel
def products_backward_input(
    op: Any, m: Memory, lane: int, step: int, first: int, rows: int
) -> None:
    """The gradient of a lane's inputs, or of the inputs of a lane's images."""
    W = m.params[op.weight :][: op.inputs * op.outputs]
    a, b, begin, end = 0, rows, 0, op.inputs
    if op.by_column:
        begin, end = columns_of(op, op.inputs, lane)
    else:
        a, b = rows_of(op, rows, lane)
    dy = flat(m.deltas, m, op.y, a, b, op.outputs)
    dx = flat(m.deltas, m, op.x, a, b, op.inputs)
    input_gradient.backward_input(dy, b - a, W, begin, end, op.inputs, op.outputs, dx)


@kernel
def products_lay_out(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """Copy a lane's rows of the gradient of the outputs."""
    a, b = rows_of(op, rows, lane)
    dy = flat(m.deltas, m, op.y, 0, rows, op.outputs)
    products.lay_out(dy, a, b, rows, op.outputs, m.scratch[op.columns_at :])


@kernel
def products_backward_weights(
    op: Any, m: Memory, lane: int, step: int, first: int, rows: int
) -> None:
    """The gradient of the weights of a lane's inputs, and the action on it."""
    a, b = share((op.inputs + products.ROWS - 1) // products.ROWS, op.lanes, lane)
    a, b = a * products.ROWS, min(op.inputs, b * products.ROWS)
    x = flat(m.activations, m, op.x, 0, rows, op.inputs)
    weight, size = op.weight, op.inputs * op.outputs
    of, fresh = state_of(m, 0) if op.gradient_action == MOMENTUM else m.grads, m.batch[0] == 0
    action = ADD if op.gradient_action == SET and not fresh else op.gradient_action
    products.backward_weights(
        x, rows, op.inputs, op.outputs, a, b, m.scratch[op.columns_at :], action,
        m.params[weight : weight + size], of[weight : weight + size],
        rate_of(op, m, step), momentum_of(m, step), scratch_of(op, m, lane),
    )  # fmt: skip
    if lane == 0:
        dy = slot(m.deltas, m, op.y, rows, op.outputs)
        bias_gradient(dy, m.grads[op.bias : op.bias + op.biases], 0.0 if fresh else 1.0)
