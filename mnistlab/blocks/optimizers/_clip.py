"""Clipping of the gradient before the optimizer's step: each element, or the norm of the whole."""

from typing import Annotated, Any

import numpy as np
from pydantic import Field

from mnistlab.blocks.optimizers._update import UpdateOperands, part
from mnistlab.blocks.penalties.maths import norm_factor
from mnistlab.blocks.section import Positive
from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.memory import Memory

ClipValue = Annotated[
    Positive | None,
    Field(description="Limits each element of the gradient to between -clip_value and clip_value."),
]
ClipNorm = Annotated[
    Positive | None,
    Field(
        description="Scales the gradient of all tensors together down to this norm where it is "
        "larger; after clip_value."
    ),
]


@kernel
def clip_elements(dW: np.ndarray, bound: float) -> None:
    """dW ← max(−bound, min(dW, bound)); a NaN stays."""
    most = dW.dtype.type(bound)
    for i in range(dW.size):
        g = most if dW[i] > most else dW[i]
        dW[i] = -most if g < -most else g


@kernel
def sum_of_squares(dW: np.ndarray) -> float:
    """Σ dW², in float64."""
    total = 0.0
    for i in range(dW.size):
        g = np.float64(dW[i])
        total += g * g
    return total


@kernel
def scale_to_norm(dW: np.ndarray, squares: np.ndarray, bound: float) -> None:
    """dW ← dW · min(1, bound / √Σ squares).

    `squares` float64 are the sums of squares of all parts of the gradient, added in their order.
    Source: Pascanu et al., On the difficulty of training recurrent neural networks (2013), 3.2.
    """
    total = 0.0
    for number in range(squares.size):
        total += squares[number]
    factor = dW.dtype.type(norm_factor(total, bound))
    if factor != 1:
        for i in range(dW.size):
            dW[i] *= factor


class ClipOperands(UpdateOperands):
    """The operands of clipping one tensor's gradient."""

    bound: float


class SquaresOperands(UpdateOperands):
    """The operands of the sum of squares of one tensor's gradient."""

    squares_at: int  # position of the first lane's sum in `Memory.squares`


@kernel
def clip_value(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    clip_elements(part(op, m.grads, lane), op.bound)


@kernel
def gradient_squares(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    m.squares[op.squares_at + lane] = sum_of_squares(part(op, m.grads, lane))


@kernel
def clip_norm(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    scale_to_norm(part(op, m.grads, lane), m.squares, op.bound)
