"""Softmax over a row, as output activation only."""

from typing import Any, Literal

import numpy as np
from pydantic import Field

from mnistlab.blocks.activations import ActivationBlock
from mnistlab.blocks.section import BareSection
from mnistlab.runtime.elementary import exp
from mnistlab.runtime.kernel import kernel


@kernel
def exponentials(z: np.ndarray, e: np.ndarray) -> tuple[float, float]:
    """eⱼ = exp(zⱼ − max z), for z, e (classes,); returns max z and Σ eⱼ, of their dtype.

    With the maximum subtracted, exp cannot overflow.
    """
    largest, total = z[0], e.dtype.type(0)
    for j in range(z.size):
        largest = max(largest, z[j])
    for j in range(z.size):
        e[j] = exp(z[j] - largest)
        total += e[j]
    return largest, total


@kernel
def softmax_forward(z: np.ndarray, y: np.ndarray) -> None:
    """yⱼ = exp(zⱼ) / Σₖ exp(zₖ); z, y (batch, classes)."""
    for i in range(z.shape[0]):
        _, total = exponentials(z[i], y[i])
        for j in range(y.shape[1]):
            y[i, j] /= total


@kernel
def softmax_backward(y: np.ndarray, dy: np.ndarray, dz: np.ndarray) -> None:
    """dzⱼ = yⱼ (dyⱼ − Σₖ dyₖ yₖ), the product with the Jacobian; y, dy, dz (batch, classes)."""
    for i in range(y.shape[0]):
        along = y.dtype.type(0)
        for j in range(y.shape[1]):
            along += dy[i, j] * y[i, j]
        for j in range(y.shape[1]):
            dz[i, j] = y[i, j] * (dy[i, j] - along)


class SoftmaxActivation(BareSection, ActivationBlock):
    """exp(x) over its sum: one probability per class."""

    type: Literal["softmax"] = Field(default="softmax", description="exp(x) / sum(exp(x))")

    elementwise = False

    def build(self, builder: Any) -> None:
        from mnistlab.blocks.activations._lowering import build_softmax

        build_softmax(builder, self)

    def onnx(self, graph: Any, output: str) -> None:
        graph.add("Softmax", output, axis=1)

    def torch_output(self) -> str:
        return "torch.softmax(logits, dim=1)"
