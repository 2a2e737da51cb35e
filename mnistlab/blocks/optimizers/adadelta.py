"""AdaDelta. Source: Zeiler (2012)."""

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
def adadelta_update(
    W: np.ndarray,
    dW: np.ndarray,
    s: np.ndarray,
    u: np.ndarray,
    lr: float,
    rho: float,
    epsilon: float,
    dither: int = NONE,
) -> None:
    """s ← ρ s + (1 − ρ) dW²; d = √((u + ε) / (s + ε)) · dW; u ← ρ u + (1 − ρ) d²; W ← W − lr · d.

    Source: Zeiler, ADADELTA: an adaptive learning rate method (2012), algorithm 1.
    """
    T = W.dtype.type
    keep, take, rate, floor = T(rho), T(1 - rho), T(lr), T(epsilon)
    for i in range(W.size):
        s[i] = keep * s[i] + take * dW[i] * dW[i]
        change = np.sqrt(u[i] + floor) / np.sqrt(s[i] + floor) * dW[i]
        u[i] = keep * u[i] + take * change * change
        W[i] = step_down(W[i], rate * change, dither, i)


class AdaDeltaOperands(UpdateOperands):
    """Of AdaDelta; the states are the means of squared gradients and of squared changes."""

    rho: float
    epsilon: float


@kernel
def adadelta(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    adadelta_update(
        part(op, m.params, lane),
        part(op, m.grads, lane),
        part(op, state_of(m, 0), lane),
        part(op, state_of(m, 1), lane),
        rate_of(op, m, step),
        op.rho,
        op.epsilon,
        update_dither(op, m, lane, step),
    )


class AdaDelta(OptimizerBlock):
    """AdaDelta (Zeiler 2012): steps of the size of the past changes; lr multiplies them."""

    type: Literal["adadelta"] = Field(default="adadelta", description="AdaDelta.")
    lr: Positive = learning_rate(1.0)
    rho: ShareBelowOne = Field(
        default=0.9, description="The decay of the means of squared gradients and changes."
    )
    epsilon: Positive = Field(
        default=1e-6, description="Added to both means; sets the size of the first steps."
    )
    lr_scale: LRScale = NO_SCALES
    clip_value: ClipValue = None
    clip_norm: ClipNorm = None

    def update(self) -> Update:
        own = {"rho": self.rho, "epsilon": self.epsilon}
        return Update(adadelta, AdaDeltaOperands, own, states=2)
