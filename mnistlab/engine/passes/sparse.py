"""A dense layer behind a ReLU that skips inputs that are zero: each lane has a share of them."""

from functools import cache
from typing import Any

import numpy as np

from mnistlab.engine.passes.layers import scratch_of
from mnistlab.engine.passes.updates import rate_of
from mnistlab.engine.passes.views import rows_of, share, slot
from mnistlab.engine.program import Memory
from mnistlab.kernels import sparse
from mnistlab.kernels.dense import bias_gradient
from mnistlab.kernels.gradient_use import MOMENTUM
from mnistlab.kernels.jit import generic_kernel, kernel, named, view


@view
def bits_of(op: Any, m: Memory, lane: int) -> np.ndarray:
    """A lane's own word for each row, or input, of a block."""
    return m.lit_bits[op.numbers_at + lane * sparse.BLOCK :][: sparse.BLOCK]


@kernel
def inputs_of(op: Any, lane: int) -> tuple[int, int]:
    """The inputs [from, to) of a lane: whole blocks of them."""
    a, b = share((op.inputs + sparse.BLOCK - 1) // sparse.BLOCK, op.lanes, lane)
    return a * sparse.BLOCK, min(op.inputs, b * sparse.BLOCK)


@generic_kernel
def forward(op: Any, m: Memory, lane: int, rows: int, lanes: int) -> None:
    """A lane's inputs' part of the output; see `add_parts`."""
    first, last = inputs_of(op, lane)
    part = m.scratch[op.collected + lane * op.collected_each :][: rows * op.outputs]
    bits = bits_of(op, m, lane)
    for j in range(part.size):
        part[j] = 0
    for a in range(first, last, sparse.BLOCK):
        x = m.activations[op.x * m.capacity + a :]
        sparse.find_inputs(x, op.inputs, rows, min(sparse.BLOCK, last - a), bits)
        for column in range(0, op.outputs, lanes):
            W = m.params[op.weight + a * op.outputs + column :]
            tile = part[column * rows :]
            sparse.sparse_forward(bits, x, op.inputs, rows, W, op.outputs, tile, lanes)


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
    room = rows * sparse.BLOCK
    x, dx, tile = scratch[:room], scratch[room : 2 * room], scratch[2 * room :]
    for column in range(0, op.outputs, lanes):
        for i in range(rows):
            for j in range(lanes):
                tile[column * rows + i * lanes + j] = dy[i, column + j]
    of, lr = m.state1 if op.use == MOMENTUM else m.grads, rate_of(op, m, step)
    bits = bits_of(op, m, lane)
    for a in range(first, last, sparse.BLOCK):
        size = min(sparse.BLOCK, last - a)
        # Rows lie so far apart that a block of them would crowd the same places of the cache.
        begin = op.x * m.capacity + a
        for i in range(rows):
            source, to = m.activations[begin + i * op.inputs :][:size], i * sparse.BLOCK
            for k in range(size):
                x[to + k] = source[k]
                dx[to + k] = 0
        sparse.find_inputs(x, sparse.BLOCK, rows, size, bits)
        sparse.turn_bits(bits)
        for column in range(0, op.outputs, lanes):
            at = op.weight + a * op.outputs + column
            sparse.sparse_backward(
                bits, x, size, tile[column * rows :], op.use, m.params[at:], of[at:], op.outputs,
                lr, op.decay1, dx, lanes,
            )  # fmt: skip
        for i in range(rows):
            target, to = m.deltas[begin + i * op.inputs :][:size], i * sparse.BLOCK
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
