"""Softsign. Source: Bergstra, Desjardins, Lamblin and Bengio (2009); Glorot and Bengio (2010)."""

from typing import Any, Literal

import numpy as np
from pydantic import Field

from mnistlab.blocks.activations import ActivationBlock, saturated_share
from mnistlab.blocks.section import BareSection
from mnistlab.runtime.kernel import kernel


@kernel
def softsign_forward(x: np.ndarray, parameters: tuple[float, float], y: np.ndarray) -> None:
    """y = x / (1 + |x|)."""
    one = x.dtype.type(1)
    for i in range(x.size):
        y[i] = x[i] / (one + np.abs(x[i]))


@kernel
def softsign_backward(
    x: np.ndarray, y: np.ndarray, parameters: tuple[float, float], dy: np.ndarray, dx: np.ndarray
) -> None:
    """dx = dy / (1 + |x|)²; (1 − |y|)² would lose the digits of a large x."""
    one = x.dtype.type(1)
    for i in range(dy.size):
        slope = one / (one + np.abs(x[i]))
        dx[i] = dy[i] * slope * slope


class Softsign(BareSection, ActivationBlock):
    """x / (1 + |x|)."""

    type: Literal["softsign"] = Field(default="softsign", description="x / (1 + |x|)")

    forward = softsign_forward
    backward = softsign_backward

    def inactive_share(self, values: np.ndarray) -> float | None:
        """Values near -1 or 1."""
        return saturated_share(values, -1.0, 1.0)

    def onnx(self, graph: Any, output: str) -> None:
        graph.add("Softsign", output)

    def torch(self) -> str:
        return "nn.Softsign()"
