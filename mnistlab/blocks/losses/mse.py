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


@kernel
def squared_error_loss(y: np.ndarray, labels: np.ndarray, losses: np.ndarray) -> None:
    """lossᵢ = ½ Σⱼ (yⱼ − tⱼ)²; y (batch, classes) is the network's output."""
    for i in range(y.shape[0]):
        total = np.float64(0)
        for j in range(y.shape[1]):
            error = np.float64(y[i, j]) - (1.0 if j == labels[i] else 0.0)
            total += error * error
        losses[i] = total / 2


@kernel
def squared_error_backward(y: np.ndarray, labels: np.ndarray, scale: float, dy: np.ndarray) -> None:
    """dy = scale · (y − t); y, dy (batch, classes)."""
    s = y.dtype.type(scale)
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            dy[i, j] = s * y[i, j]
        dy[i, labels[i]] -= s


@kernel
def squared_error_head(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """Half the squared error of the output slot x, for any output activation."""
    a, b = rows_of(op, rows, lane)
    labels = m.targets[a:b]
    y = slot(m.activations, m, op.x, rows, op.inputs)[a:b]
    squared_error_loss(y, labels, losses_of(op, m, first, rows)[a:b])
    if op.training:
        dy = slot(m.deltas, m, op.x, rows, op.inputs)[a:b]
        squared_error_backward(y, labels, gradient_scale(op, m.batch[1]), dy)


class SquaredError(LossBlock):
    """Half the squared error of the outputs, whatever activation made them."""

    type: Literal["mse"] = Field(
        default="mse",
        description="Any output activation; half the squared error, summed over outputs.",
    )

    def build(self, builder: Any, output: ActivationBlock) -> Op:
        output.build(builder)
        operands = head_operands(builder, builder.top, self.reduction)
        return Op(squared_error_head, HeadOperands(**operands))
