"""The sigmoid-weighted linear unit, also called swish. Source: Elfwing, Uchibe and Doya (2018)."""

from typing import Any, Literal

import numpy as np
from pydantic import Field

from mnistlab.blocks.activations import ActivationBlock
from mnistlab.blocks.section import BareSection
from mnistlab.runtime.elementary import exp
from mnistlab.runtime.kernel import kernel


@kernel
def silu_forward(x: np.ndarray, parameters: tuple[float, float], y: np.ndarray) -> None:
    """y = x / (1 + exp(−x)). Where exp is inf, y is 0."""
    one = x.dtype.type(1)
    for i in range(x.size):
        y[i] = x[i] / (one + exp(-x[i]))


@kernel
def silu_backward(
    x: np.ndarray, y: np.ndarray, parameters: tuple[float, float], dy: np.ndarray, dx: np.ndarray
) -> None:
    """dx = dy · s (1 + x (1 − s)), s = 1 / (1 + exp(−x))."""
    one = x.dtype.type(1)
    for i in range(dy.size):
        s = one / (one + exp(-x[i]))
        dx[i] = dy[i] * s * (one + x[i] * (one - s))


class SiLU(BareSection, ActivationBlock):
    """x / (1 + exp(-x))."""

    type: Literal["silu"] = Field(
        default="silu", description="x / (1 + exp(-x)), also called swish"
    )

    forward = silu_forward
    backward = silu_backward

    def onnx(self, graph: Any, output: str) -> None:
        x = graph.top
        graph.add("Sigmoid")
        graph.add("Mul", output, x)

    def torch(self) -> str:
        return "nn.SiLU()"
