"""A dense layer behind a ReLU that skips inputs that are zero: each lane has a share of them."""

from functools import cache
from typing import Any

import numpy as np

from mnistlab.blocks.layers.dense import sparse_hidden
from mnistlab.blocks.layers.dense.maths import bias_gradient
from mnistlab.blocks.layers.dense.ops import DenseOperands
from mnistlab.runtime.actions import MOMENTUM
from mnistlab.runtime.compiler import generic_kernel
from mnistlab.runtime.kernel import kernel, named, view
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.parts import rate_of, rows_of, scratch_of, share, slot, state_of


class SparseHiddenOperands(DenseOperands):
    """A dense layer's; lanes divide the inputs, and each has a part of the output."""

    bits_at: int  # where the words of the lanes begin
    parts: int  # of the inputs
    tile: int  # columns that are worked on at once
    collected: int  # where the parts of the output begin in the scratch, …
    collected_each: int  # … and the elements of each
    scratch: int  # elements of scratch that each lane has, …
    scratch_at: int  # … which begin here


@view
def bits_of(op: Any, m: Memory, lane: int) -> np.ndarray:
    """A lane's own word for each row, or input, of a block."""
    return m.listed_bits[op.bits_at + lane * sparse_hidden.BLOCK :][: sparse_hidden.BLOCK]


@kernel
def inputs_of(op: Any, lane: int) -> tuple[int, int]:
    """The inputs [from, to) of a lane: whole blocks of them."""
    a, b = share((op.inputs + sparse_hidden.BLOCK - 1) // sparse_hidden.BLOCK, op.lanes, lane)
    return a * sparse_hidden.BLOCK, min(op.inputs, b * sparse_hidden.BLOCK)


@generic_kernel
def forward(op: Any, m: Memory, lane: int, rows: int, lanes: int) -> None:
    """A lane's inputs' part of the output; see `add_parts`."""
    first, last = inputs_of(op, lane)
    part = m.scratch[op.collected + lane * op.collected_each :][: rows * op.outputs]
    bits = bits_of(op, m, lane)
    for j in range(part.size):
        part[j] = 0
    for a in range(first, last, sparse_hidden.BLOCK):
        x = m.activations[op.x * m.capacity + a :]
        sparse_hidden.find_inputs(x, op.inputs, rows, min(sparse_hidden.BLOCK, last - a), bits)
        for column in range(0, op.outputs, lanes):
            W = m.params[op.weight + a * op.outputs + column :]
            tile = part[column * rows :]
            sparse_hidden.sparse_forward(bits, x, op.inputs, rows, W, op.outputs, tile, lanes)


@kernel
def add_parts(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """A lane's rows of the output: the bias, and each block's part in their order."""
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
                for j in range(op.tile):
                    row[column + j] += tile[j]


@generic_kernel
def backward(op: Any, m: Memory, lane: int, step: int, rows: int, lanes: int) -> None:
    """The gradient sent down, then the weights' own and what becomes of it, of a lane's inputs."""
    first, last = inputs_of(op, lane)
    dy, scratch = slot(m.deltas, m, op.y, rows, op.outputs), scratch_of(op, m, lane)
    room = rows * sparse_hidden.BLOCK
    x, dx, tile = scratch[:room], scratch[room : 2 * room], scratch[2 * room :]
    for column in range(0, op.outputs, lanes):
        for i in range(rows):
            for j in range(lanes):
                tile[column * rows + i * lanes + j] = dy[i, column + j]
    of, lr = state_of(m, 0) if op.gradient_action == MOMENTUM else m.grads, rate_of(op, m, step)
    bits = bits_of(op, m, lane)
    for a in range(first, last, sparse_hidden.BLOCK):
        size = min(sparse_hidden.BLOCK, last - a)
        # Rows lie so far apart that a block of them would crowd the same places of the cache.
        begin = op.x * m.capacity + a
        for i in range(rows):
            source, to = m.activations[begin + i * op.inputs :][:size], i * sparse_hidden.BLOCK
            for k in range(size):
                x[to + k] = source[k]
                dx[to + k] = 0
        sparse_hidden.find_inputs(x, sparse_hidden.BLOCK, rows, size, bits)
        sparse_hidden.turn_bits(bits)
        for column in range(0, op.outputs, lanes):
            at = op.weight + a * op.outputs + column
            sparse_hidden.sparse_backward(
                bits, x, size, tile[column * rows :], op.gradient_action, m.params[at:],
                of[at:], op.outputs,                 lr, op.momentum, dx, lanes,
            )  # fmt: skip
        for i in range(rows):
            target, to = m.deltas[begin + i * op.inputs :][:size], i * sparse_hidden.BLOCK
            for k in range(size):
                target[k] = dx[to + k]
    if lane == 0:
        bias_gradient(dy, m.grads[op.bias : op.bias + op.biases], 0.0)


@cache
def forward_of(lanes: int) -> Any:
    """`forward` by so many columns at once, an op."""

    def sparse_forward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
        forward(op, m, lane, rows, lanes)

    return kernel(named(sparse_forward, lanes))


@cache
def backward_of(lanes: int) -> Any:
    """`backward` by so many columns at once, an op."""

    def sparse_backward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
        backward(op, m, lane, step, rows, lanes)

    return kernel(named(sparse_backward, lanes))
