"""AdaGrad. Source: Duchi, Hazan and Singer (2011)."""

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
from mnistlab.blocks.section import Positive
from mnistlab.runtime.dither import NONE, step_down
from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.parts import rate_of, state_of


@kernel
def adagrad_update(
    W: np.ndarray,
    dW: np.ndarray,
    s: np.ndarray,
    lr: float,
    epsilon: float,
    dither: int = NONE,
) -> None:
    """s ← s + dW²; W ← W − lr · dW / (√s + ε).

    Source: Duchi, Hazan and Singer (2011), with the diagonal; as PyTorch.
    """
    rate, floor = W.dtype.type(lr), W.dtype.type(epsilon)
    for i in range(W.size):
        s[i] += dW[i] * dW[i]
        W[i] = step_down(W[i], rate * dW[i] / (np.sqrt(s[i]) + floor), dither, i)


class AdaGradOperands(UpdateOperands):
    """The operands of AdaGrad; the state is the sum of squares."""

    epsilon: float


@kernel
def adagrad(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    adagrad_update(
        part(op, m.params, lane),
        part(op, m.grads, lane),
        part(op, state_of(m, 0), lane),
        rate_of(op, m, step),
        op.epsilon,
        update_dither(op, m, lane, step),
    )


class AdaGrad(OptimizerBlock):
    """AdaGrad (Duchi, Hazan and Singer 2011): g / (√s + epsilon), s the sum of squares."""

    type: Literal["adagrad"] = Field(default="adagrad", description="AdaGrad.")
    lr: Positive = learning_rate(0.01)
    epsilon: Positive = Field(
        default=1e-10, description="Added to the root that the step is divided by."
    )
    lr_scale: LRScale = NO_SCALES
    clip_value: ClipValue = None
    clip_norm: ClipNorm = None

    def update(self) -> Update:
        return Update(adagrad, AdaGradOperands, {"epsilon": self.epsilon}, states=1)
