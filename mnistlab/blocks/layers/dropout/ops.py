"""Dropout's ops."""

from typing import Any

from mnistlab.blocks.layers.dropout.maths import dropout, dropout_backward_by_output
from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.op import Operands
from mnistlab.runtime.parts import flat, rows_of
from mnistlab.runtime.random import stream_key


class DropoutOperands(Operands):
    """Operands of dropout; `inputs` elements per row."""

    x: int  # slot
    y: int  # slot
    inputs: int
    rate: float
    seed: int  # the run's
    stream: int  # which stream of random numbers, by layer
    behind_relu: bool  # whether a zero gets no gradient, dropped or not


@kernel
def dropout_pass(op: Any, m: Memory, lane: int, step: int, rows: int, forward: bool) -> None:
    """Dropout of a lane's rows: of the values forward, of the same elements' gradients backward."""
    a, b = rows_of(op, rows, lane)
    values = m.activations if forward else m.deltas
    below = flat(values, m, op.x, a, b, op.inputs)
    above = flat(values, m, op.y, a, b, op.inputs)
    source, target = (below, above) if forward else (above, below)
    key = stream_key(op.seed, op.stream, step, 0)
    other_key = stream_key(op.seed, op.stream, step, 1)
    dropout(source, op.rate, key, other_key, (m.batch[0] + a) * op.inputs, target)


@kernel
def dropout_forward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    dropout_pass(op, m, lane, step, rows, True)


@kernel
def dropout_backward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    if op.behind_relu == 1:
        a, b = rows_of(op, rows, lane)
        y = flat(m.activations, m, op.y, a, b, op.inputs)
        dy, dx = flat(m.deltas, m, op.y, a, b, op.inputs), flat(m.deltas, m, op.x, a, b, op.inputs)
        dropout_backward_by_output(y, dy, op.rate, dx)
    else:
        dropout_pass(op, m, lane, step, rows, False)
