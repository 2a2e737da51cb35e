"""A dense layer behind a ReLU that skips inputs that are zero: each lane has a share of them."""

from typing import Any

import numpy as np

from mnistlab.engine.passes.layers import scratch_of
from mnistlab.engine.passes.updates import rate_of
from mnistlab.engine.passes.views import rows_of, share, slot
from mnistlab.engine.program import Memory
from mnistlab.kernels import sparse
from mnistlab.kernels.dense import bias_gradient
from mnistlab.kernels.gradient_use import MOMENTUM
from mnistlab.kernels.jit import generic_kernel, kernel
from mnistlab.kernels.lit_pixels import MORE_STARTS

BLOCK = 512  # inputs that are listed together: their lists stay in the nearest cache


@kernel
def listing(op: Any, m: Memory, lane: int, a: int, b: int) -> tuple[np.ndarray, ...]:
    """The listing of a lane's inputs [a, b): numbers, starts, free, rows and values."""
    size = b - a
    # Each listing has more starts than inputs: there are lanes, and blocks before this one.
    own = m.lit_pixels[op.numbers_at + 3 * a + (lane + a // BLOCK) * MORE_STARTS :]
    numbers, free, starts = own[:size], own[size : 2 * size], own[2 * size : 3 * size + MORE_STARTS]
    entries = op.entries_at + a * op.listed
    return numbers, starts, free, m.lit_rows[entries:], m.lit_values[entries:]


@generic_kernel
def forward(op: Any, m: Memory, lane: int, rows: int, lanes: int) -> None:
    """List a lane's inputs that are not zero, and sum their part of the output; see `add_parts`."""
    first, last = share(op.inputs, op.lanes, lane)
    part = m.scratch[op.collected + lane * op.collected_each :][: rows * lanes]
    for j in range(part.size):
        part[j] = 0
    for a in range(first, last, BLOCK):
        b = min(a + BLOCK, last)
        numbers, starts, free, images, values = listing(op, m, lane, a, b)
        x = m.activations[op.x * m.capacity + a :]
        sparse.list_inputs(x, op.inputs, rows, numbers, starts, free, images, values)
        W = m.params[op.weight + a * op.outputs : op.weight + b * op.outputs]
        sparse.sparse_forward(numbers, starts, images, values, W, op.outputs, part, lanes)


@kernel
def sparse_forward_64(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    forward(op, m, lane, rows, 64)


@kernel
def sparse_forward_128(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    forward(op, m, lane, rows, 128)


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
            own = m.scratch[op.collected + part * op.collected_each + i * op.tile :]
            for j in range(row.size):
                row[j] += own[j]


@generic_kernel
def backward(op: Any, m: Memory, lane: int, step: int, rows: int, lanes: int) -> None:
    """The gradient sent down, then the weights' own and what becomes of it, of a lane's inputs."""
    first, last = share(op.inputs, op.lanes, lane)
    dy, tile = slot(m.deltas, m, op.y, rows, op.outputs), scratch_of(op, m, lane)
    for i in range(rows):
        for j in range(lanes):
            tile[i * lanes + j] = dy[i, j] if j < op.outputs else 0
    of, lr = m.state1 if op.use == MOMENTUM else m.grads, rate_of(op, m, step)
    for a in range(first, last, BLOCK):
        b = min(a + BLOCK, last)
        numbers, starts, _, images, values = listing(op, m, lane, a, b)
        own = slice(op.weight + a * op.outputs, op.weight + b * op.outputs)
        dx = m.deltas[op.x * m.capacity + a :]
        sparse.sparse_backward(
            numbers, starts, images, values, rows, tile, op.use, m.params[own], of[own], op.outputs,
            lr, op.decay1, dx, op.inputs, lanes,
        )  # fmt: skip
    if lane == 0:
        bias_gradient(dy, m.grads[op.bias : op.bias + op.biases], 0.0)


@kernel
def sparse_backward_64(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    backward(op, m, lane, step, rows, 64)


@kernel
def sparse_backward_128(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    backward(op, m, lane, step, rows, 128)


# By the columns of a tile: one vector's lanes.
FORWARD = {64: sparse_forward_64, 128: sparse_forward_128}
BACKWARD = {64: sparse_backward_64, 128: sparse_backward_128}
