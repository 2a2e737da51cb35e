"""The dense layer's ops: a lane's part of the work, as views of the memory."""

from typing import Any

import numpy as np

from mnistlab.blocks.layers.dense import maths
from mnistlab.blocks.optimizers.sgd import sgd_update
from mnistlab.runtime.actions import SGD
from mnistlab.runtime.blas import gemm
from mnistlab.runtime.kernel import kernel, view
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.op import GradientOperands
from mnistlab.runtime.parts import momentum_of, rate_of, rows_of, share, slot, state_of

COLUMNS = 16  # of BLAS's kernels for the float32 products of both AVX2 and AVX-512, or a divisor


class DenseOperands(GradientOperands):
    """Operands of a dense layer: x (rows, inputs), W (inputs, outputs), y (rows, outputs)."""

    x: int  # slot
    y: int  # slot
    inputs: int
    outputs: int
    weight: int  # offset in the parameter vector
    bias: int  # offset
    biases: int  # elements; 0 for none
    by_column: bool = False  # lanes divide columns instead of the batch's rows


@view
def weight_of(op: Any, values: np.ndarray) -> np.ndarray:
    """The weight (inputs, outputs) of a dense op, or its gradient, in a flat vector."""
    size = op.inputs * op.outputs
    return values[op.weight : op.weight + size].reshape(op.inputs, op.outputs)


@kernel
def columns_of(op: Any, columns: int, lane: int) -> tuple[int, int]:
    """The range [from, to) of `columns` for a lane, in the multiples that BLAS computes at once."""
    a, b = share((columns + COLUMNS - 1) // COLUMNS, op.lanes, lane)
    return a * COLUMNS, min(columns, b * COLUMNS)


@kernel
def dense_forward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    x = slot(m.activations, m, op.x, rows, op.inputs)
    y = slot(m.activations, m, op.y, rows, op.outputs)
    W, bias = weight_of(op, m.params), m.params[op.bias : op.bias + op.biases]
    if op.by_column:
        a, b = columns_of(op, op.outputs, lane)
        maths.dense_forward(x, W[:, a:b], bias[a:b], y[:, a:b])
    else:
        a, b = rows_of(op, rows, lane)
        maths.dense_forward(x[a:b], W[:, :], bias, y[a:b, :])


@kernel
def dense_backward_weights(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    x = slot(m.activations, m, op.x, rows, op.inputs)
    dy = slot(m.deltas, m, op.y, rows, op.outputs)
    dW, db = weight_of(op, m.grads), m.grads[op.bias : op.bias + op.biases]
    a, b = share(op.inputs, op.lanes, lane)
    keep = 0.0 if m.batch[0] == 0 else 1.0
    maths.dense_backward_weights(x[:, a:b], dy, dW[a:b], db if lane == 0 else db[:0], keep)


@kernel
def dense_step(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """`dense_backward_weights`, with SGD's or momentum's step inside BLAS's product."""
    x = slot(m.activations, m, op.x, rows, op.inputs)
    dy = slot(m.deltas, m, op.y, rows, op.outputs)
    a, b = share(op.inputs, op.lanes, lane)
    W, lr = weight_of(op, m.params)[a:b], rate_of(op, m, step)
    if op.gradient_action == SGD:
        gemm(-lr, x[:, a:b], True, dy, False, 1.0, W)
    else:
        velocity = weight_of(op, state_of(m, 0))[a:b]
        gemm(1.0, x[:, a:b], True, dy, False, momentum_of(m, step), velocity)
        sgd_update(W.reshape(-1), velocity.reshape(-1), lr)
    if lane == 0:
        maths.bias_gradient(dy, m.grads[op.bias : op.bias + op.biases], 0.0)


@kernel
def dense_backward_input(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    dx = slot(m.deltas, m, op.x, rows, op.inputs)
    dy = slot(m.deltas, m, op.y, rows, op.outputs)
    W = weight_of(op, m.params)
    if op.by_column:
        a, b = columns_of(op, op.inputs, lane)
        maths.dense_backward_input(dy, W[a:b], dx[:, a:b])
    else:
        a, b = rows_of(op, rows, lane)
        maths.dense_backward_input(dy[a:b], W, dx[a:b, :])
