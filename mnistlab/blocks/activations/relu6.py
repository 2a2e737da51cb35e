"""ReLU limited to 6. Source: Krizhevsky, Convolutional Deep Belief Networks (2010)."""

from typing import Any, Literal

import numpy as np
from pydantic import Field

from mnistlab.blocks.activations import ActivationBlock
from mnistlab.blocks.section import BareSection
from mnistlab.runtime.kernel import kernel


@kernel
def relu6_forward(x: np.ndarray, parameters: tuple[float, float], y: np.ndarray) -> None:
    """y = min(max(x, 0), 6); NaN stays NaN."""
    zero, six = x.dtype.type(0), x.dtype.type(6)
    for i in range(x.size):
        y[i] = zero if x[i] < zero else (six if x[i] > six else x[i])


@kernel
def relu6_backward(
    x: np.ndarray, y: np.ndarray, parameters: tuple[float, float], dy: np.ndarray, dx: np.ndarray
) -> None:
    """dx = dy where 0 < x < 6, else 0."""
    zero, six = x.dtype.type(0), x.dtype.type(6)
    for i in range(dy.size):
        dx[i] = dy[i] if (x[i] > zero) & (x[i] < six) else zero


class ReLU6(BareSection, ActivationBlock):
    """min(max(0, x), 6)."""

    type: Literal["relu6"] = Field(default="relu6", description="min(max(0, x), 6)")

    forward = relu6_forward
    backward = relu6_backward
    in_place = True
    leaves_zeros = True

    def inactive_share(self, values: np.ndarray) -> float | None:
        """Units whose value is 0 or 6 for every image."""
        return float(((values == 0) | (values == 6)).all(axis=0).mean())

    def onnx(self, graph: Any, output: str) -> None:
        bounds = {"low": 0, "high": 6}
        graph.add("Clip", output, *(graph.new_constant(f"relu6.{n}", v) for n, v in bounds.items()))

    def torch(self) -> str:
        return "nn.ReLU6()"
