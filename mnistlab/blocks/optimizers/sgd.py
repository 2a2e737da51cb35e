"""Stochastic gradient descent, plain or with momentum."""

from typing import Any, Literal

import numpy as np
from pydantic import Field

from mnistlab.blocks.optimizers import (
    NO_SCALES,
    ClipNorm,
    ClipValue,
    LRScale,
    OptimizerBlock,
    learning_rate,
)
from mnistlab.blocks.optimizers._momentum import Momentum, MomentumRamp
from mnistlab.blocks.optimizers._update import (
    FusedUpdate,
    Update,
    UpdateOperands,
    part,
    update_dither,
)
from mnistlab.blocks.schedules import Steps
from mnistlab.blocks.section import Flag, Positive
from mnistlab.runtime.actions import MOMENTUM
from mnistlab.runtime.actions import SGD as PLAIN
from mnistlab.runtime.dither import NONE, step_down
from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.parts import momentum_of, rate_of, state_of


@kernel
def sgd_update(W: np.ndarray, dW: np.ndarray, lr: float, dither: int = NONE) -> None:
    """W ← W − lr · dW."""
    rate = W.dtype.type(lr)
    for i in range(W.size):
        W[i] = step_down(W[i], rate * dW[i], dither, i)


@kernel
def momentum_update(
    W: np.ndarray,
    dW: np.ndarray,
    velocity: np.ndarray,
    lr: float,
    momentum: float,
    nesterov: bool,
    dither: int = NONE,
) -> None:
    """v ← momentum · v + dW; W ← W − lr · v, or with Nesterov W ← W − lr · (dW + momentum · v).

    Source: Sutskever et al., On the importance of initialization and momentum (2013), in PyTorch's
    form.
    """
    rate, mu = W.dtype.type(lr), W.dtype.type(momentum)
    if nesterov:
        for i in range(W.size):
            velocity[i] = mu * velocity[i] + dW[i]
            W[i] = step_down(W[i], rate * (dW[i] + mu * velocity[i]), dither, i)
    else:
        for i in range(W.size):
            velocity[i] = mu * velocity[i] + dW[i]
            W[i] = step_down(W[i], rate * velocity[i], dither, i)


@kernel
def momentum_step_update(
    W: np.ndarray,
    dW: np.ndarray,
    velocity: np.ndarray,
    lr: float,
    momentum: float,
    nesterov: bool,
    dither: int = NONE,
) -> None:
    """v ← momentum · v + lr · dW; W ← W − v, or with Nesterov W ← W − (lr · dW + momentum · v).

    Unlike in `momentum_update`, the learning rate is part of the velocity; this differs when it
    changes.
    """
    rate, mu = W.dtype.type(lr), W.dtype.type(momentum)
    if nesterov:
        for i in range(W.size):
            velocity[i] = mu * velocity[i] + rate * dW[i]
            W[i] = step_down(W[i], rate * dW[i] + mu * velocity[i], dither, i)
    else:
        for i in range(W.size):
            velocity[i] = mu * velocity[i] + rate * dW[i]
            W[i] = step_down(W[i], velocity[i], dither, i)


@kernel
def sgd(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    W, dW = part(op, m.params, lane), part(op, m.grads, lane)
    sgd_update(W, dW, rate_of(op, m, step), update_dither(op, m, lane, step))


class MomentumOperands(UpdateOperands):
    """Operands of SGD with momentum; the state is the velocity."""

    nesterov: bool


@kernel
def momentum(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    momentum_update(
        part(op, m.params, lane),
        part(op, m.grads, lane),
        part(op, state_of(m, 0), lane),
        rate_of(op, m, step),
        momentum_of(m, step),
        op.nesterov == 1,
        update_dither(op, m, lane, step),
    )


@kernel
def momentum_step(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    momentum_step_update(
        part(op, m.params, lane),
        part(op, m.grads, lane),
        part(op, state_of(m, 0), lane),
        rate_of(op, m, step),
        momentum_of(m, step),
        op.nesterov == 1,
        update_dither(op, m, lane, step),
    )


class SGD(OptimizerBlock):
    """Gradient descent: v = momentum v + g; W -= lr v."""

    type: Literal["sgd"] = Field(default="sgd", description="Stochastic gradient descent.")
    lr: Positive = learning_rate(0.1)
    momentum: Momentum = Field(
        default=0.0,
        description="The decay of the velocity v; 0: no momentum. A mapping lets it rise: "
        "{from: 0.5, to: 0.95, epochs: 20}.",
    )
    nesterov: Flag = Field(default=False, description="Step by g + momentum v.")
    velocity: Literal["gradient", "step"] = Field(
        default="gradient",
        description="gradient: v = momentum v + g; W -= lr v. step: v = momentum v + lr g; W -= v.",
    )
    lr_scale: LRScale = NO_SCALES
    clip_value: ClipValue = None
    clip_norm: ClipNorm = None

    def update(self) -> Update:
        if self.momentum == 0:
            return Update(sgd, UpdateOperands, {}, states=0)
        function = {"gradient": momentum, "step": momentum_step}[self.velocity]
        return Update(function, MomentumOperands, {"nesterov": self.nesterov}, states=1)

    def fused(self) -> FusedUpdate | None:
        if self.momentum == 0:
            return FusedUpdate(PLAIN, 0.0)
        if self.velocity == "gradient" and not self.nesterov:
            return FusedUpdate(MOMENTUM, self.momentum)
        return None

    def momenta(self, steps: Steps) -> np.ndarray:
        if isinstance(self.momentum, MomentumRamp):
            return self.momentum.at(steps)
        return np.full(len(steps.numbers), self.momentum)
