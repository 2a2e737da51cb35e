"""Adam. Source: Kingma and Ba (2015)."""

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
def adam_update(
    W: np.ndarray,
    dW: np.ndarray,
    m: np.ndarray,
    v: np.ndarray,
    lr: float,
    beta1: float,
    beta2: float,
    epsilon: float,
    t: int,
    dither: int = NONE,
) -> None:
    """m ← β₁ m + (1 − β₁) dW; v ← β₂ v + (1 − β₂) dW²; W ← W − lr · m̂ / (√v̂ + ε).

    m̂ = m / (1 − β₁ᵗ) and v̂ = v / (1 − β₂ᵗ) at step t = 1, 2, …
    Source: Kingma and Ba, Adam (2015), algorithm 1.
    """
    T = W.dtype.type
    keep1, take1, keep2, take2 = T(beta1), T(1 - beta1), T(beta2), T(1 - beta2)
    unbias1, unbias2 = T(1 / (1 - beta1**t)), T(1 / (1 - beta2**t))
    rate, floor = T(lr), T(epsilon)
    for i in range(W.size):
        m[i] = keep1 * m[i] + take1 * dW[i]
        v[i] = keep2 * v[i] + take2 * dW[i] * dW[i]
        W[i] = step_down(
            W[i], rate * (m[i] * unbias1) / (np.sqrt(v[i] * unbias2) + floor), dither, i
        )


class AdamOperands(UpdateOperands):
    """Operands of Adam; the states are both moments."""

    beta1: float
    beta2: float
    epsilon: float


@kernel
def adam(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    adam_update(
        part(op, m.params, lane),
        part(op, m.grads, lane),
        part(op, state_of(m, 0), lane),
        part(op, state_of(m, 1), lane),
        rate_of(op, m, step),
        op.beta1,
        op.beta2,
        op.epsilon,
        step + 1,
        update_dither(op, m, lane, step),
    )


class Adam(OptimizerBlock):
    """Adam (Kingma and Ba 2015): m̂ / (√v̂ + epsilon)."""

    type: Literal["adam"] = Field(default="adam", description="Adam.")
    lr: Positive = learning_rate(0.001)
    beta1: ShareBelowOne = Field(
        default=0.9, description="The decay of the gradient's running mean."
    )
    beta2: ShareBelowOne = Field(
        default=0.999, description="The decay of the squared gradient's running mean."
    )
    epsilon: Positive = Field(default=1e-8, description="Added to the denominator √v̂.")
    lr_scale: LRScale = NO_SCALES
    clip_value: ClipValue = None
    clip_norm: ClipNorm = None

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """The operands of its op, in addition to the tensor's."""
        return {"beta1": self.beta1, "beta2": self.beta2, "epsilon": self.epsilon}

    def update(self) -> Update:
        return Update(adam, AdamOperands, self.hyperparameters, states=2)
