"""A dense layer of few outputs, whose weights lie turned while the training loop runs."""

from typing import Any

import numpy as np

from mnistlab.engine.passes.updates import rate_of
from mnistlab.engine.passes.views import rows_of, share, slot
from mnistlab.engine.program import Memory
from mnistlab.kernels import narrow
from mnistlab.kernels.dense import bias_gradient
from mnistlab.kernels.gradient_use import ADD, MOMENTUM, SET
from mnistlab.kernels.jit import kernel, view


@view
def turned(op: Any, values: np.ndarray) -> np.ndarray:
    """The turned weight in a flat vector: (outputs · stride,)."""
    return values[op.tiles : op.tiles + op.outputs * op.tile]


@kernel
def turn_weight(op: Any, values: np.ndarray, to_turned: bool) -> None:
    """Between a weight (inputs, outputs) and the same turned: zeros outside the loop."""
    if values.size > 0:
        W = values[op.weight :][: op.inputs * op.outputs].reshape(op.inputs, op.outputs)
        rows = turned(op, values).reshape(op.outputs, op.tile)
        for k in range(op.inputs):
            for j in range(op.outputs):
                if to_turned:
                    rows[j, k] = W[k, j]
                else:
                    W[k, j] = rows[j, k]
        if not to_turned:
            rows[:, :] = 0


@kernel
def to_turned(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    for values in (m.params, m.state1, m.state2):
        turn_weight(op, values, True)


@kernel
def from_turned(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    for values in (m.params, m.grads, m.state1, m.state2):
        turn_weight(op, values, False)


@kernel
def narrow_forward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    x = slot(m.activations, m, op.x, rows, op.inputs)
    y = slot(m.activations, m, op.y, rows, op.outputs)
    bias = m.params[op.bias : op.bias + op.biases]
    narrow.narrow_forward(x[a:b], turned(op, m.params), op.tile, bias, y[a:b])


@kernel
def narrow_backward_input(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    dx = slot(m.deltas, m, op.x, rows, op.inputs)
    dy = slot(m.deltas, m, op.y, rows, op.outputs)
    narrow.narrow_backward_input(dy[a:b], turned(op, m.params), op.tile, dx[a:b])


@kernel
def narrow_backward_weights(
    op: Any, m: Memory, lane: int, step: int, first: int, rows: int
) -> None:
    """The gradient of a lane's inputs, and what becomes of it."""
    x = slot(m.activations, m, op.x, rows, op.inputs)
    dy = slot(m.deltas, m, op.y, rows, op.outputs)
    pieces = (op.inputs + narrow.WIDE - 1) // narrow.WIDE
    begin, end = share(pieces, op.lanes, lane)
    fresh = m.batch[0] == 0
    use = ADD if op.use == SET and not fresh else op.use
    narrow.narrow_backward_weights(
        x,
        dy,
        begin * narrow.WIDE,
        min(op.inputs, end * narrow.WIDE),
        use,
        turned(op, m.params),
        turned(op, m.state1 if op.use == MOMENTUM else m.grads),
        op.tile,
        rate_of(op, m, step),
        op.decay1,
    )
    if lane == 0:
        bias_gradient(dy, m.grads[op.bias : op.bias + op.biases], 0.0 if fresh else 1.0)
