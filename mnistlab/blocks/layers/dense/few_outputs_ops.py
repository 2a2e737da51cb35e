"""The ops of a dense layer of few outputs, whose weights are transposed in the training loop."""

from typing import Any

import numpy as np

from mnistlab.blocks.layers.dense import few_outputs
from mnistlab.blocks.layers.dense.maths import bias_gradient
from mnistlab.blocks.layers.dense.ops import DenseOperands
from mnistlab.runtime.actions import ADD, MOMENTUM, SET
from mnistlab.runtime.kernel import kernel, view
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.parts import momentum_of, rate_of, rows_of, share, slot, state_of


class FewOutputsOperands(DenseOperands):
    """Operands of a dense layer, and those of its transposed weight."""

    transposed: int  # offset in the parameter vector
    row: int  # elements from one of its rows to the next


@view
def transposed(op: Any, values: np.ndarray) -> np.ndarray:
    """The transposed weight in a flat vector: (outputs · stride,)."""
    return values[op.transposed : op.transposed + op.outputs * op.row]


@kernel
def move_weight(op: Any, values: np.ndarray, to_transposed: bool) -> None:
    """Copy a weight (inputs, outputs) to its transpose, or back; outside the loop the
    copy is zero.
    """
    if values.size > 0:
        W = values[op.weight :][: op.inputs * op.outputs].reshape(op.inputs, op.outputs)
        rows = transposed(op, values).reshape(op.outputs, op.row)
        for k in range(op.inputs):
            for j in range(op.outputs):
                if to_transposed:
                    rows[j, k] = W[k, j]
                else:
                    W[k, j] = rows[j, k]
        if not to_transposed:
            rows[:, :] = 0


@kernel
def transpose(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    for number in range(m.states.size // m.params.size):
        move_weight(op, state_of(m, number), True)
    move_weight(op, m.params, True)


@kernel
def restore(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    for number in range(m.states.size // m.params.size):
        move_weight(op, state_of(m, number), False)
    for values in (m.params, m.grads):
        move_weight(op, values, False)


@kernel
def few_outputs_forward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    x = slot(m.activations, m, op.x, rows, op.inputs)
    y = slot(m.activations, m, op.y, rows, op.outputs)
    bias = m.params[op.bias : op.bias + op.biases]
    few_outputs.few_outputs_forward(x[a:b], transposed(op, m.params), op.row, bias, y[a:b])


@kernel
def few_outputs_backward_input(
    op: Any, m: Memory, lane: int, step: int, first: int, rows: int
) -> None:
    a, b = rows_of(op, rows, lane)
    dx = slot(m.deltas, m, op.x, rows, op.inputs)
    dy = slot(m.deltas, m, op.y, rows, op.outputs)
    few_outputs.few_outputs_backward_input(dy[a:b], transposed(op, m.params), op.row, dx[a:b])


@kernel
def few_outputs_backward_weights(
    op: Any, m: Memory, lane: int, step: int, first: int, rows: int
) -> None:
    """The gradient of a lane's inputs, and the action on it."""
    x = slot(m.activations, m, op.x, rows, op.inputs)
    dy = slot(m.deltas, m, op.y, rows, op.outputs)
    pieces = (op.inputs + few_outputs.WIDE - 1) // few_outputs.WIDE
    begin, end = share(pieces, op.lanes, lane)
    fresh = m.batch[0] == 0
    action = ADD if op.gradient_action == SET and not fresh else op.gradient_action
    few_outputs.few_outputs_backward_weights(
        x,
        dy,
        begin * few_outputs.WIDE,
        min(op.inputs, end * few_outputs.WIDE),
        action,
        transposed(op, m.params),
        transposed(op, state_of(m, 0) if op.gradient_action == MOMENTUM else m.grads),
        op.row,
        rate_of(op, m, step),
        momentum_of(m, step),
    )
    if lane == 0:
        bias_gradient(dy, m.grads[op.bias : op.bias + op.biases], 0.0 if fresh else 1.0)
