"""The hyperbolic tangent."""

from typing import Any, Literal

import numpy as np
from pydantic import Field

from mnistlab.blocks.activations import ActivationBlock, saturated_share
from mnistlab.blocks.section import BareSection
from mnistlab.runtime.elementary import tanh
from mnistlab.runtime.kernel import kernel


@kernel
def tanh_forward(x: np.ndarray, parameter: float, y: np.ndarray) -> None:
    """y = tanh(x)."""
    for i in range(x.size):
        y[i] = tanh(x[i])


@kernel
def tanh_backward(
    x: np.ndarray, y: np.ndarray, parameter: float, dy: np.ndarray, dx: np.ndarray
) -> None:
    """dx = dy · (1 − y²)."""
    one = x.dtype.type(1)
    for i in range(dy.size):
        dx[i] = dy[i] * (one - y[i] * y[i])


class Tanh(BareSection, ActivationBlock):
    """tanh(x)."""

    type: Literal["tanh"] = Field(default="tanh", description="tanh(x)")

    forward = tanh_forward
    backward = tanh_backward

    def inactive_share(self, values: np.ndarray) -> float | None:
        """Values near -1 or 1."""
        return saturated_share(values, -1.0, 1.0)

    def onnx(self, graph: Any, output: str) -> None:
        graph.add("Tanh", output)

    def torch(self) -> str:
        return "nn.Tanh()"
