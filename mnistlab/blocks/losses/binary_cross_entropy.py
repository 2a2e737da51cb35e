"""Binary cross-entropy of sigmoids, summed over the outputs."""

import math
from typing import Any, Literal

import numpy as np
from pydantic import Field

from mnistlab.blocks.activations import ActivationBlock
from mnistlab.blocks.activations._ops import called_forward
from mnistlab.blocks.activations.sigmoid import Sigmoid, sigmoid_forward
from mnistlab.blocks.losses import LossBlock
from mnistlab.blocks.losses._head import (
    ExactHeadOperands,
    gradient_scale,
    head_operands,
    losses_of,
    put_output,
)
from mnistlab.runtime.calls import call_address
from mnistlab.runtime.elementary import exp
from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.op import Called, Op
from mnistlab.runtime.parts import rows_of, slot


@kernel
def binary_cross_entropy_loss(
    z: np.ndarray, k: float, labels: np.ndarray, losses: np.ndarray
) -> None:
    """lossᵢ = −Σⱼ [tⱼ log yⱼ + (1 − tⱼ) log(1 − yⱼ)], y = sigmoid(k z), from the logits z.

    With u = k z that is Σⱼ max(u, 0) − u_label + log Πⱼ (1 + exp(−|u|)), finite for any logits: one
    logarithm for all classes, of at most 2 to the power of their number.
    """
    for i in range(z.shape[0]):
        total, product = np.float64(0), np.float64(1)
        for j in range(z.shape[1]):
            u = k * np.float64(z[i, j])
            total += max(u, 0.0)
            product *= 1.0 + exp(-np.abs(u))
        losses[i] = total - k * np.float64(z[i, labels[i]]) + np.log(product)


@kernel
def binary_cross_entropy_backward(
    y: np.ndarray, k: float, labels: np.ndarray, scale: float, dz: np.ndarray
) -> None:
    """dz = scale · k (y − t), for y = sigmoid(k z); y, dz (batch, classes)."""
    s = y.dtype.type(scale * k)
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            dz[i, j] = s * y[i, j]
        dz[i, labels[i]] -= s


@kernel
def binary_cross_entropy_exact(
    z: np.ndarray, k: float, labels: np.ndarray, scale: float, dz: np.ndarray
) -> None:
    """dz of each label, −scale · k · sigmoid(−k z), from its logit; z, dz (batch, classes)."""
    for i in range(z.shape[0]):
        u = k * np.float64(z[i, labels[i]])
        small = exp(-np.abs(u))
        rest = small / (1.0 + small) if u > 0 else 1.0 / (1.0 + small)
        dz[i, labels[i]] = -scale * k * rest


class SigmoidHeadOperands(ExactHeadOperands):
    """Operands of the head of sigmoid(k z)."""

    k: float
    sigmoid: Called


@kernel
def binary_cross_entropy_head(
    op: Any, m: Memory, lane: int, step: int, first: int, rows: int
) -> None:
    """Sigmoid and binary cross-entropy in one op: the gradient is that of the logits."""
    a, b = rows_of(op, rows, lane)
    labels = m.targets[a:b]
    z = slot(m.activations, m, op.x, rows, op.inputs)[a:b]
    y = slot(m.activations, m, op.y, rows, op.inputs)[a:b]
    k = op.k
    call_address(op.sigmoid, z.reshape(-1), (k, 0.0), y.reshape(-1))
    binary_cross_entropy_loss(z, k, labels, losses_of(op, m, first, rows)[a:b])
    if op.training:
        dz = slot(m.deltas, m, op.x, rows, op.inputs)[a:b]
        scale = gradient_scale(op, m.batch[1])
        binary_cross_entropy_backward(y, k, labels, scale, dz)
        if op.exact:
            binary_cross_entropy_exact(z, k, labels, scale, dz)


class BinaryCrossEntropy(LossBlock):
    """The negative logarithms of the probabilities of label and no label, over all outputs."""

    type: Literal["binary_cross_entropy"] = Field(
        default="binary_cross_entropy",
        description="Needs the output activation sigmoid; summed over outputs.",
    )

    output = "sigmoid"

    def of_guessing(self, classes: int) -> float | None:
        others = classes - 1
        return classes * math.log(classes) - (others * math.log(others) if others else 0.0)

    def magnitudes(self, logits: np.ndarray, output: ActivationBlock) -> np.ndarray:
        assert isinstance(output, Sigmoid)  # the configuration has been validated
        with np.errstate(over="ignore"):
            return output.k * np.abs(logits).sum(axis=1)

    def build(self, builder: Any, output: ActivationBlock) -> Op:
        assert isinstance(output, Sigmoid)  # the configuration has been validated
        y = builder.take_slot(builder.width)
        operands = SigmoidHeadOperands(
            **head_operands(builder, y, self.reduction),
            exact=False,
            k=output.k,
            sigmoid=called_forward(sigmoid_forward),
        )
        put_output(builder, output, y)
        return Op(binary_cross_entropy_head, operands)
