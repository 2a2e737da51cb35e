"""RMSProp. Source: Tieleman and Hinton, lecture 6.5 (2012)."""

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
from mnistlab.blocks.optimizers._update import Update, UpdateOperands, part, update_dither
from mnistlab.blocks.section import Positive, ShareBelowOne
from mnistlab.runtime.dither import NONE, step_down
from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.parts import rate_of, state_of


@kernel
def rmsprop_update(
    W: np.ndarray,
    dW: np.ndarray,
    s: np.ndarray,
    lr: float,
    alpha: float,
    epsilon: float,
    dither: int = NONE,
) -> None:
    """s ← α s + (1 − α) dW²; W ← W − lr · dW / (√s + ε).

    Source: Tieleman and Hinton, Neural Networks for Machine Learning, lecture 6.5 (2012).
    """
    T = W.dtype.type
    keep, take, rate, floor = T(alpha), T(1 - alpha), T(lr), T(epsilon)
    for i in range(W.size):
        s[i] = keep * s[i] + take * dW[i] * dW[i]
        W[i] = step_down(W[i], rate * dW[i] / (np.sqrt(s[i]) + floor), dither, i)


class RMSPropOperands(UpdateOperands):
    """Operands of RMSProp; the state is the mean of squares."""

    alpha: float
    epsilon: float


@kernel
def rmsprop(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    rmsprop_update(
        part(op, m.params, lane),
        part(op, m.grads, lane),
        part(op, state_of(m, 0), lane),
        rate_of(op, m, step),
        op.alpha,
        op.epsilon,
        update_dither(op, m, lane, step),
    )


class RMSProp(OptimizerBlock):
    """RMSProp: g / (√s + epsilon)."""

    type: Literal["rmsprop"] = Field(default="rmsprop", description="RMSProp.")
    lr: Positive = learning_rate(0.001)
    alpha: ShareBelowOne = Field(
        default=0.99, description="The decay of the squared gradient's mean."
    )
    epsilon: Positive = Field(default=1e-8, description="Added to the denominator √s.")
    lr_scale: LRScale = NO_SCALES
    clip_value: ClipValue = None
    clip_norm: ClipNorm = None

    def update(self) -> Update:
        own = {"alpha": self.alpha, "epsilon": self.epsilon}
        return Update(rmsprop, RMSPropOperands, own, states=1)
