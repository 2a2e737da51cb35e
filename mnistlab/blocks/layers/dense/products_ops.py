"""The op of a dense layer with sums in registers: lanes divide columns and images, or images."""

from typing import Any

from mnistlab.blocks.layers.dense import products
from mnistlab.blocks.layers.dense.ops import DenseOperands
from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.parts import flat, rows_of, scratch_of, share


class ProductsOperands(DenseOperands):
    """Operands of a dense layer, and how its forward pass is divided."""

    parts: int  # by columns: parts of the images
    block: int  # inputs that are added at a time
    scratch: int  # elements of scratch for each lane
    scratch_at: int  # offset of the first lane's


@kernel
def products_forward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """A lane's units of the output. By columns, a unit is some columns for a part of the images."""
    W = m.params[op.weight :][: op.inputs * op.outputs]
    bias, sums = m.params[op.bias : op.bias + op.biases], scratch_of(op, m, lane)
    at_once = products.columns_at_once(W)
    tiles = (op.outputs + at_once - 1) // at_once
    begin, end, parts = 0, tiles, 1
    a, b = 0, rows
    if op.by_column:
        parts = op.parts
        begin, end = share(tiles * parts, op.lanes, lane)
    else:
        a, b = rows_of(op, rows, lane)
    blocks = (b - a + products.ROWS - 1) // products.ROWS
    for unit in range(begin, end):
        c, d = share(blocks, parts, unit % parts)
        c, d = a + c * products.ROWS, min(b, a + d * products.ROWS)
        x = flat(m.activations, m, op.x, c, d, op.inputs)
        y = flat(m.activations, m, op.y, c, d, op.outputs)
        column = unit // parts * at_once
        products.forward(x, d - c, W, bias, y, op.inputs, op.outputs, column, op.block, sums)
