"""The ops of a dense layer that skips zero inputs.

In the backward pass lanes divide the inputs. In the forward pass they do so if there are very many
inputs; else they divide the outputs.

During the training loop the weights, and all that belongs to them, are stored in blocks of inputs,
and a block in tiles of columns: what a kernel reads for a block and a tile is contiguous. The
columns of the last tile that do not exist are zero, and stay zero.
"""

from functools import cache
from typing import Any

import numpy as np

from mnistlab.blocks.layers.dense import sparse_hidden
from mnistlab.blocks.layers.dense.maths import bias_gradient
from mnistlab.blocks.layers.dense.ops import DenseOperands
from mnistlab.runtime.actions import ADD, MOMENTUM, SET
from mnistlab.runtime.compiler import generic_kernel
from mnistlab.runtime.kernel import kernel, named, view
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.parts import momentum_of, rate_of, rows_of, scratch_of, share, slot, state_of
from mnistlab.runtime.vectors import load, store


class SparseHiddenOperands(DenseOperands):
    """Operands of a dense layer, and those of its bits, its tiles and the parts of its output."""

    bits_at: int  # where the lanes' words begin
    parts: int  # of the inputs, or, by columns, of the rows
    blocks: int  # offset of the weights, block by block, in the parameter vector
    tile: int  # columns that are processed at once
    width: int  # columns of all tiles
    collected: int = 0  # where the parts of the output begin in the scratch
    collected_each: int = 0  # elements of each of these parts
    block: int = sparse_hidden.BLOCK  # inputs processed at once, forward by columns
    deltas_at: int  # offset of dy, tile by tile, in the scratch
    words: int  # of a lane for each input of a block
    sends: bool = True  # whether the gradient of the inputs is computed
    scratch: int  # elements of scratch for each lane
    scratch_at: int  # offset of the first lane's


@view
def bits_of(op: Any, m: Memory, lane: int) -> np.ndarray:
    """A lane's words for each row, or input, of a block."""
    size = op.words * sparse_hidden.BLOCK
    return m.listed_bits[op.bits_at + lane * size :][:size]


@kernel
def inputs_of(op: Any, lane: int) -> tuple[int, int]:
    """The inputs [from, to) of a lane, in whole blocks."""
    a, b = share((op.inputs + sparse_hidden.BLOCK - 1) // sparse_hidden.BLOCK, op.lanes, lane)
    return a * sparse_hidden.BLOCK, min(op.inputs, b * sparse_hidden.BLOCK)


@kernel
def place_of(op: Any, k: int, column: int) -> int:
    """The offset in the parameter vector of input k's row in the tile that begins at `column`."""
    block = k // sparse_hidden.BLOCK * sparse_hidden.BLOCK
    size = min(sparse_hidden.BLOCK, op.inputs - block)
    return int(op.blocks + block * op.width + column * size + (k - block) * op.tile)


@kernel
def turn_blocks(op: Any, values: np.ndarray, to_blocks: bool) -> None:
    """Between a weight (inputs, outputs) and its blocks, which are zero outside of the loop."""
    if values.size > 0:
        plain = values[op.weight :][: op.inputs * op.outputs].reshape(op.inputs, op.outputs)
        for k in range(op.inputs):
            for column in range(0, op.outputs, op.tile):
                row, place = plain[k, column : column + op.tile], place_of(op, k, column)
                part = values[place : place + op.tile]
                for j in range(row.size):
                    if to_blocks:
                        part[j] = row[j]
                    else:
                        row[j] = part[j]
                if not to_blocks:
                    part[:] = 0


@kernel
def to_blocks(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    for number in range(m.states.size // m.params.size):
        turn_blocks(op, state_of(m, number), True)
    turn_blocks(op, m.params, True)


@kernel
def from_blocks(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    for number in range(m.states.size // m.params.size):
        turn_blocks(op, state_of(m, number), False)
    for values in (m.params, m.grads):
        turn_blocks(op, values, False)


@generic_kernel
def forward(op: Any, m: Memory, lane: int, rows: int, lanes: int) -> None:
    """The part of the output from a lane's inputs; see `add_parts`."""
    first, last = inputs_of(op, lane)
    part = m.scratch[op.collected + lane * op.collected_each :][: rows * op.width]
    bits = bits_of(op, m, lane)
    for j in range(part.size):
        part[j] = 0
    for a in range(first, last, sparse_hidden.BLOCK):
        x = m.activations[op.x * m.capacity + a :]
        sparse_hidden.find_inputs(x, op.inputs, rows, min(sparse_hidden.BLOCK, last - a), bits)
        for column in range(0, op.outputs, lanes):
            W = m.params[place_of(op, a, column) :]
            tile = part[column * rows :]
            sparse_hidden.sparse_forward(bits, x, op.inputs, rows, W, lanes, tile, lanes)


@generic_kernel
def forward_by_columns(op: Any, m: Memory, lane: int, rows: int, lanes: int) -> None:
    """The part of the output of a lane's units: a unit is one tile's columns for a part of the
    rows.
    """
    begin, end = share(op.width // lanes * op.parts, op.lanes, lane)
    tile, bits = scratch_of(op, m, lane), bits_of(op, m, lane)
    for unit in range(begin, end):
        column = unit // op.parts * lanes
        a, b = share(rows, op.parts, unit % op.parts)
        bias = load(m.params, op.bias + column, lanes, op.biases - column)
        for i in range(b - a):
            store(tile, i * lanes, bias)
        for k in range(0, op.inputs, op.block):
            x = m.activations[op.x * m.capacity + a * op.inputs + k :]
            sparse_hidden.find_inputs(x, op.inputs, b - a, min(op.block, op.inputs - k), bits)
            W = m.params[place_of(op, k, column) :]
            sparse_hidden.sparse_forward(bits, x, op.inputs, b - a, W, lanes, tile, lanes)
        for i in range(b - a):
            at = op.y * m.capacity + (a + i) * op.outputs + column
            store(m.activations, at, load(tile, i * lanes, lanes), op.outputs - column)


@kernel
def add_parts(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """A lane's rows of the output: the bias, plus the parts of the blocks in their order."""
    a, b = rows_of(op, rows, lane)
    y = slot(m.activations, m, op.y, rows, op.outputs)
    bias = m.params[op.bias : op.bias + op.biases]
    for i in range(a, b):
        row = y[i]
        for j in range(row.size):
            row[j] = bias[j] if bias.size > 0 else 0
        for part in range(op.parts):
            own = m.scratch[op.collected + part * op.collected_each :]
            for column in range(0, op.outputs, op.tile):
                tile = own[column * rows + i * op.tile :]
                for j in range(min(op.tile, op.outputs - column)):
                    row[column + j] += tile[j]


@kernel
def lay_out_deltas(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """Copy a lane's rows of dy, tile by tile, for `backward`."""
    a, b = rows_of(op, rows, lane)
    for column in range(0, op.outputs, op.tile):
        for i in range(a, b):
            size = min(op.tile, op.outputs - column)
            source = m.deltas[op.y * m.capacity + i * op.outputs + column :][:size]
            target = m.scratch[op.deltas_at + column * rows + i * op.tile :][: op.tile]
            for j in range(size):
                target[j] = source[j]
            target[size:] = 0


@generic_kernel
def backward(op: Any, m: Memory, lane: int, step: int, rows: int, lanes: int) -> None:
    """For a lane's inputs: their gradient, then the weights' gradient and the action on it."""
    first, last = inputs_of(op, lane)
    scratch = scratch_of(op, m, lane)
    room = rows * sparse_hidden.BLOCK
    x, dx, deltas = scratch[:room], scratch[room : 2 * room], m.scratch[op.deltas_at :]
    of, lr = state_of(m, 0) if op.gradient_action == MOMENTUM else m.grads, rate_of(op, m, step)
    bits, fresh, momentum = bits_of(op, m, lane), m.batch[0] == 0, momentum_of(m, step)
    action = ADD if op.gradient_action == SET and not fresh else op.gradient_action
    for a in range(first, last, sparse_hidden.BLOCK):
        size = min(sparse_hidden.BLOCK, last - a)
        # Rows are so far apart that a block of them would use the same sets of the cache.
        begin = op.x * m.capacity + a
        for i in range(rows):
            source, to = m.activations[begin + i * op.inputs :][:size], i * sparse_hidden.BLOCK
            for k in range(size):
                x[to + k] = source[k]
                dx[to + k] = 0
        for row in range(0, rows, sparse_hidden.BLOCK):
            own = bits[row : row + sparse_hidden.BLOCK]
            block, images = x[row * sparse_hidden.BLOCK :], min(sparse_hidden.BLOCK, rows - row)
            sparse_hidden.find_inputs(block, sparse_hidden.BLOCK, images, size, own)
            sparse_hidden.turn_bits(own)
        for column in range(0, op.outputs, lanes):
            at = place_of(op, a, column)
            sparse_hidden.sparse_backward(
                bits, x, rows, size, deltas[column * rows :], action, m.params[at:],
                of[at:], lanes, lr, momentum, op.sends == 1, dx, lanes,
            )  # fmt: skip
        if op.sends == 1:
            for i in range(rows):
                target, to = m.deltas[begin + i * op.inputs :][:size], i * sparse_hidden.BLOCK
                for k in range(size):
                    target[k] = dx[to + k]
    if lane == 0:
        dy = slot(m.deltas, m, op.y, rows, op.outputs)
        bias_gradient(dy, m.grads[op.bias : op.bias + op.biases], 0.0 if fresh else 1.0)


@cache
def forward_of(lanes: int) -> Any:
    """The op `forward` for this many columns at once."""

    def sparse_forward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
        forward(op, m, lane, rows, lanes)

    return kernel(named(sparse_forward, lanes))


@cache
def forward_by_columns_of(lanes: int) -> Any:
    """The op `forward_by_columns` for tiles of this many columns."""

    def sparse_forward_by_columns(
        op: Any, m: Memory, lane: int, step: int, first: int, rows: int
    ) -> None:
        forward_by_columns(op, m, lane, rows, lanes)

    return kernel(named(sparse_forward_by_columns, lanes))


@cache
def backward_of(lanes: int) -> Any:
    """The op `backward` for this many columns at once."""

    def sparse_backward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
        backward(op, m, lane, step, rows, lanes)

    return kernel(named(sparse_backward, lanes))
