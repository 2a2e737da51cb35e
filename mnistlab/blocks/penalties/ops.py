"""The ops of a penalty, or of max-norm, on one tensor."""

from typing import Any

from mnistlab.blocks.optimizers._update import UpdateOperands, dither_for, part
from mnistlab.blocks.optimizers.sgd import sgd_update
from mnistlab.blocks.penalties import maths
from mnistlab.runtime.dither import GRADIENT, PENALTY
from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.parts import rate_of, scratch_of, share


class PenaltyOperands(UpdateOperands):
    """Operands of a penalty on one tensor."""

    l1: float
    l2: float


# Columns that one lane has at least: a cache line of them.
COLUMNS = 16


class MaxNormOperands(UpdateOperands):
    """Of max-norm on one weight, as the training loop has it; see Incoming."""

    max_norm: float
    inputs: int
    tile: int
    block: int
    scratch: int  # elements of scratch that each lane has, …
    scratch_at: int  # … which begin here


class DescentOperands(PenaltyOperands):
    """Operands of a penalty's own step."""

    by_rate: bool  # whether it is multiplied by the learning rate


@kernel
def penalty_gradient(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    W, dW = part(op, m.params, lane), part(op, m.grads, lane)
    dither = dither_for(op, m, lane, step, GRADIENT)
    maths.penalty_gradient(W, op.l1, op.l2, dW, dither)


@kernel
def penalty_step(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    maths.penalty_step(part(op, m.params, lane), op.l1, op.l2, part(op, m.step_penalty, lane))


@kernel
def take_penalty_step(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    dither = dither_for(op, m, lane, step, PENALTY)
    sgd_update(part(op, m.params, lane), part(op, m.step_penalty, lane), 1.0, dither)


@kernel
def penalty_descent(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """The penalty's own step, before the loss's."""
    rate = rate_of(op, m, step) if op.by_rate else 1.0
    dither = dither_for(op, m, lane, step, PENALTY)
    maths.penalty_descent(part(op, m.params, lane), rate * op.l1, rate * op.l2, dither)


@kernel
def soft_threshold(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    threshold, dither = rate_of(op, m, step) * op.l1, dither_for(op, m, lane, step, PENALTY)
    maths.soft_threshold(part(op, m.params, lane), threshold, dither)


@kernel
def max_norm_of_columns(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """A lane's groups of columns, tile by tile."""
    groups, factors = (op.tile + COLUMNS - 1) // COLUMNS, scratch_of(op, m, lane)
    W = m.params[op.weight : op.weight + op.size]
    a, b = share(op.size // (op.inputs * op.tile) * groups, op.lanes, lane)
    while a < b:
        begin = a % groups
        end = min(groups, begin + b - a)
        units = min(op.tile, end * COLUMNS) - begin * COLUMNS
        maths.limit_columns(
            W, op.inputs, op.tile, op.block, a // groups * op.tile + begin * COLUMNS, units,
            op.max_norm, factors,
        )  # fmt: skip
        a += end - begin


@kernel
def max_norm_of_rows(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = share(op.size // op.inputs, op.lanes, lane)
    W = m.params[op.weight + a * op.inputs : op.weight + b * op.inputs]
    maths.limit_rows(W, op.inputs, op.max_norm)
