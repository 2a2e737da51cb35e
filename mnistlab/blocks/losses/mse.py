"""Half the squared error, summed over the outputs."""

from typing import Any, Literal

import numpy as np
from pydantic import Field

from mnistlab.blocks.activations import ActivationBlock
from mnistlab.blocks.losses import LossBlock
from mnistlab.blocks.losses._head import HeadOperands, gradient_scale, head_operands, losses_of
from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.op import Op
from mnistlab.runtime.parts import rows_of, slot

# The target of the classes other than the label; the label's is 1.
OTHER = {"one_hot": 0.0, "plus_minus": -1.0}


@kernel
def squared_error_loss(y: np.ndarray, labels: np.ndarray, other: float, losses: np.ndarray) -> None:
    """lossᵢ = ½ Σⱼ (yⱼ − tⱼ)²; y (batch, classes) is the network's output.

    t is 1 for the label, `other` for the other classes.
    """
    for i in range(y.shape[0]):
        total = np.float64(0)
        for j in range(y.shape[1]):
            error = np.float64(y[i, j]) - (1.0 if j == labels[i] else other)
            total += error * error
        losses[i] = total / 2


@kernel
def squared_error_backward(
    y: np.ndarray, labels: np.ndarray, other: float, scale: float, dy: np.ndarray
) -> None:
    """dy = scale · (y − t); y, dy (batch, classes); t as in the loss."""
    s = y.dtype.type(scale)
    low, step = y.dtype.type(scale * other), y.dtype.type(scale * (1 - other))
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            dy[i, j] = s * y[i, j] - low
        dy[i, labels[i]] -= step


class SquaredErrorHeadOperands(HeadOperands):
    """A head's, with the target of the classes other than the label."""

    other: float


@kernel
def squared_error_head(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """Half the squared error of the output slot x, for any output activation."""
    a, b = rows_of(op, rows, lane)
    labels = m.targets[a:b]
    y = slot(m.activations, m, op.x, rows, op.inputs)[a:b]
    squared_error_loss(y, labels, op.other, losses_of(op, m, first, rows)[a:b])
    if op.training:
        dy = slot(m.deltas, m, op.x, rows, op.inputs)[a:b]
        squared_error_backward(y, labels, op.other, gradient_scale(op, m.batch[1]), dy)


class SquaredError(LossBlock):
    """Half the squared error of the outputs, whatever activation made them."""

    type: Literal["mse"] = Field(
        default="mse",
        description="Any output activation; half the squared error, summed over outputs.",
    )
    targets: Literal["one_hot", "plus_minus"] = Field(
        default="one_hot",
        description="The target of the label is 1; of the other classes 0 (one_hot) or -1.",
    )

    def of_guessing(self, classes: int) -> float | None:
        return 0.5 * (1 - OTHER[self.targets]) ** 2 * (1 - 1 / classes)

    def build(self, builder: Any, output: ActivationBlock) -> Op:
        output.build(builder)
        operands = SquaredErrorHeadOperands(
            **head_operands(builder, builder.top, self.reduction), other=OTHER[self.targets]
        )
        return Op(squared_error_head, operands)
