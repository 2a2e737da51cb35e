"""Adam with decoupled weight decay. Source: Loshchilov and Hutter (2019)."""

from typing import Any, Literal

import numpy as np
from pydantic import Field

from mnistlab.blocks.optimizers import learning_rate
from mnistlab.blocks.optimizers._update import Update, dither_for, part
from mnistlab.blocks.optimizers.adam import Adam, AdamOperands, adam
from mnistlab.blocks.section import NonNegative, Positive
from mnistlab.runtime.dither import DECAY, NONE, step_down
from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.parts import rate_of


@kernel
def weight_decay(W: np.ndarray, lr: float, decay: float, dither: int = NONE) -> None:
    """W ← W − lr · decay · W, before Adam's own step: together they are AdamW.

    Source: Loshchilov and Hutter, Decoupled Weight Decay Regularization (2019), algorithm 2.
    """
    share = W.dtype.type(lr * decay)
    for i in range(W.size):
        W[i] = step_down(W[i], share * W[i], dither, i)


class AdamWOperands(AdamOperands):
    """Operands of Adam, and the weight decay."""

    weight_decay: float


@kernel
def adamw(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    if op.weight_decay > 0:
        W, dither = part(op, m.params, lane), dither_for(op, m, lane, step, DECAY)
        weight_decay(W, rate_of(op, m, step), op.weight_decay, dither)
    adam(op, m, lane, step, first, rows)


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019)."""

    type: Literal["adamw"] = Field(  # type: ignore[assignment]
        default="adamw", description="Adam with decoupled weight decay."
    )
    lr: Positive = learning_rate(0.001)
    weight_decay: NonNegative = Field(
        default=0.01, description="Each step also subtracts lr * weight_decay * W."
    )

    def update(self) -> Update:
        own = {**self.hyperparameters, "weight_decay": self.weight_decay}
        return Update(adamw, AdamWOperands, own, states=2)
