"""Cross-entropy of a softmax."""

import math
from typing import Any, Literal

import numpy as np
from pydantic import Field

from mnistlab.blocks.activations import ActivationBlock
from mnistlab.blocks.activations.softmax import exponentials
from mnistlab.blocks.losses import LossBlock
from mnistlab.blocks.losses._head import (
    ExactHeadOperands,
    gradient_scale,
    head_operands,
    losses_of,
    put_output,
)
from mnistlab.blocks.section import (
    Positive,
    Section,
    Share,
    ShareBelowOne,
    UserPath,
    WeightsName,
)
from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.op import Op
from mnistlab.runtime.parts import rows_of, slot


@kernel
def softmax_cross_entropy(
    z: np.ndarray, labels: np.ndarray, smoothing: float, y: np.ndarray, losses: np.ndarray
) -> None:
    """y = softmax(z), and lossᵢ = log Σₖ exp(zₖ) − Σₖ tₖ zₖ; z, y (batch, classes).

    t is 1 − smoothing for the label, and the smoothing is shared by all classes:
    Σₖ tₖ zₖ = z_label − smoothing · (z_label − mean z). The loss is finite for any logits.
    """
    classes = z.shape[1]
    for i in range(z.shape[0]):
        logits, p, label = z[i], y[i], labels[i]
        largest, total = exponentials(logits, p)
        # The largest exponential is 1. A float32 sum would not see others below 6e-8, and the loss
        # of an image that is almost certainly predicted right would be 0.
        exact = np.float64(0)
        for j in range(classes):
            exact += np.float64(p[j])
        for j in range(classes):
            p[j] /= total
        losses[i] = np.log(exact) + largest - logits[label]
        if smoothing > 0:
            above = np.float64(0)
            for j in range(classes):
                above += np.float64(logits[label]) - np.float64(logits[j])
            losses[i] += smoothing * above / classes


@kernel
def cross_entropy_backward(
    y: np.ndarray, labels: np.ndarray, smoothing: float, scale: float, dz: np.ndarray
) -> None:
    """dz = scale · (y − t), for y = softmax(z); y, dz (batch, classes); t as in the loss."""
    s = y.dtype.type(scale)
    shared = y.dtype.type(scale * smoothing / y.shape[1])
    rest = y.dtype.type(scale * (1 - smoothing))
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            dz[i, j] = s * y[i, j] - shared
        dz[i, labels[i]] -= rest


@kernel
def cross_entropy_exact(labels: np.ndarray, dz: np.ndarray) -> None:
    """dz of each label from that of the other classes, because dz of all classes has the sum 0;
    dz (batch, classes), changed in place.
    """
    for i in range(dz.shape[0]):
        others = np.float64(0)
        for j in range(dz.shape[1]):
            if j != labels[i]:
                others += np.float64(dz[i, j])
        dz[i, labels[i]] = -others


class CrossEntropyHeadOperands(ExactHeadOperands):
    """A head's, with the label smoothing."""

    smoothing: float


@kernel
def cross_entropy_head(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """Softmax and cross-entropy in one op: the gradient is that of the logits."""
    a, b = rows_of(op, rows, lane)
    labels = m.targets[a:b]
    z = slot(m.activations, m, op.x, rows, op.inputs)[a:b]
    y = slot(m.activations, m, op.y, rows, op.inputs)[a:b]
    softmax_cross_entropy(z, labels, op.smoothing, y, losses_of(op, m, first, rows)[a:b])
    if op.training:
        dz = slot(m.deltas, m, op.x, rows, op.inputs)[a:b]
        scale = gradient_scale(op, m.batch[1])
        cross_entropy_backward(y, labels, op.smoothing, scale, dz)
        if op.exact:
            cross_entropy_exact(labels, dz)


class Teacher(Section):
    """Another run, whose probabilities are soft targets beside the labels."""

    run: UserPath = Field(description="The teacher's run folder, relative to this configuration.")
    weights: WeightsName = Field(default="final", description="Which weights of the teacher.")
    temperature: Positive = Field(
        default=20.0, description="T: both networks' logits are divided by it."
    )
    weight: Share = Field(
        default=0.7,
        description="The share of the teacher in the loss; its part is multiplied by T^2.",
    )


class CrossEntropy(LossBlock):
    """The negative logarithm of the probability of the label."""

    type: Literal["cross_entropy"] = Field(
        default="cross_entropy", description="Needs the output activation softmax."
    )
    label_smoothing: ShareBelowOne = Field(
        default=0.0,
        description="The share of each target that is divided equally among all classes.",
    )

    teacher: Teacher | None = Field(
        default=None,
        description="Soft targets of another run, for the training images as they are without "
        "augmentation: {run: PATH, temperature: 20, weight: 0.7}.",
    )

    output = "softmax"

    @property
    def is_taught(self) -> bool:
        return self.teacher is not None

    @property
    def in_evaluation(self) -> "CrossEntropy":
        return self.model_copy(update={"teacher": None})

    def of_guessing(self, classes: int) -> float | None:
        return math.log(classes)

    def magnitudes(self, logits: np.ndarray, output: ActivationBlock) -> np.ndarray:
        return np.abs(logits).max(axis=1)

    def build(self, builder: Any, output: ActivationBlock) -> Op:
        y = builder.take_slot(builder.width)
        operands = head_operands(builder, y, self.reduction)
        operands["smoothing"] = self.label_smoothing
        put_output(builder, output, y)
        if self.teacher is None:
            return Op(cross_entropy_head, CrossEntropyHeadOperands(exact=False, **operands))
        from mnistlab.blocks.losses._taught import TaughtHeadOperands, taught_head

        of_teacher: dict[str, Any] = {
            "temperature": self.teacher.temperature,
            "weight": self.teacher.weight,
        }
        return Op(taught_head, TaughtHeadOperands(**operands, **of_teacher))
