"""What changes the parameters: penalties and optimizers, each for one tensor."""

from typing import Any

import numpy as np

from mnistlab.engine.passes.views import share
from mnistlab.engine.program import Memory
from mnistlab.kernels import optimizers, regularizers
from mnistlab.kernels.jit import kernel, view


@view
def part(op: Any, values: np.ndarray, lane: int) -> np.ndarray:
    """A lane's part of the tensor that an update is for."""
    a, b = share(op.size, op.lanes, lane)
    return values[op.weight + a : op.weight + b]


@kernel
def rate_of(op: Any, m: Memory, step: int) -> float:
    """The step's learning rate for the op's tensor."""
    return m.rates[step - m.rates_from] * op.lr_scale


@kernel
def penalty_gradient(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    regularizers.penalty_gradient(part(op, m.params, lane), op.l1, op.l2, part(op, m.grads, lane))


@kernel
def penalty_step(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    regularizers.penalty_step(part(op, m.params, lane), op.l1, op.l2, part(op, m.taken, lane))


@kernel
def take_penalty_step(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    optimizers.sgd_update(part(op, m.params, lane), part(op, m.taken, lane), 1.0)


@kernel
def penalty_descent(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """The penalty's part of a step, before the loss's; mode 1: not scaled by the learning rate."""
    rate = 1.0 if op.mode == 1 else rate_of(op, m, step)
    regularizers.penalty_descent(part(op, m.params, lane), rate * op.l1, rate * op.l2)


@kernel
def soft_threshold(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    regularizers.soft_threshold(part(op, m.params, lane), rate_of(op, m, step) * op.l1)


@kernel
def sgd(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    lr = rate_of(op, m, step)
    optimizers.sgd_update(part(op, m.params, lane), part(op, m.grads, lane), lr)


@kernel
def momentum(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    optimizers.momentum_update(
        part(op, m.params, lane),
        part(op, m.grads, lane),
        part(op, m.state1, lane),
        rate_of(op, m, step),
        op.decay1,
        op.mode == 1,
    )


@kernel
def momentum_step(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    optimizers.momentum_step_update(
        part(op, m.params, lane),
        part(op, m.grads, lane),
        part(op, m.state1, lane),
        rate_of(op, m, step),
        op.decay1,
        op.mode == 1,
    )


@kernel
def adam(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """Adam, and AdamW where the op has a weight decay."""
    W, lr = part(op, m.params, lane), rate_of(op, m, step)
    if op.weight_decay > 0:
        optimizers.weight_decay(W, lr, op.weight_decay)
    optimizers.adam_update(
        W,
        part(op, m.grads, lane),
        part(op, m.state1, lane),
        part(op, m.state2, lane),
        lr,
        op.decay1,
        op.decay2,
        op.epsilon,
        step + 1,
    )


@kernel
def rmsprop(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    optimizers.rmsprop_update(
        part(op, m.params, lane),
        part(op, m.grads, lane),
        part(op, m.state1, lane),
        rate_of(op, m, step),
        op.decay1,
        op.epsilon,
    )
