"""The rectified linear unit. Source: Nair and Hinton (2010)."""

from typing import Any, Literal

import numpy as np
from pydantic import Field

from mnistlab.blocks.activations import ActivationBlock
from mnistlab.blocks.section import BareSection
from mnistlab.runtime.kernel import kernel


@kernel
def relu_forward(x: np.ndarray, parameters: tuple[float, float], y: np.ndarray) -> None:
    """y = max(x, 0); NaN stays NaN."""
    zero = x.dtype.type(0)
    for i in range(x.size):
        y[i] = zero if x[i] < zero else x[i]


@kernel
def relu_backward(
    x: np.ndarray, y: np.ndarray, parameters: tuple[float, float], dy: np.ndarray, dx: np.ndarray
) -> None:
    """dx = dy where x > 0, else 0."""
    zero = x.dtype.type(0)
    for i in range(dy.size):
        dx[i] = dy[i] if x[i] > zero else zero


class ReLU(BareSection, ActivationBlock):
    """max(0, x)."""

    type: Literal["relu"] = Field(default="relu", description="max(0, x)")

    forward = relu_forward
    backward = relu_backward
    in_place = True
    leaves_zeros = True

    def inactive_share(self, values: np.ndarray) -> float | None:
        """Units that are 0 for every image."""
        return float((values == 0).all(axis=0).mean())

    def onnx(self, graph: Any, output: str) -> None:
        graph.add("Relu", output)

    def torch(self) -> str:
        return "nn.ReLU()"
