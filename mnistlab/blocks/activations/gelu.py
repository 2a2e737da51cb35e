"""The Gaussian error linear unit, in its exact form. Source: Hendrycks and Gimpel (2016)."""

import math
from typing import Any, Literal

import numpy as np
from pydantic import Field

from mnistlab.blocks.activations import ActivationBlock
from mnistlab.blocks.section import BareSection
from mnistlab.runtime.elementary import exp, normal_tail
from mnistlab.runtime.kernel import kernel

DENSITY = 1 / math.sqrt(2 * math.pi)  # of the standard normal distribution at 0


@kernel
def gelu_forward(x: np.ndarray, parameters: tuple[float, float], y: np.ndarray) -> None:
    """y = x Φ(x), with Φ the standard normal distribution function.

    Computed from Φ(−|x|), which keeps its digits where 1 + erf loses them.
    """
    zero, one = x.dtype.type(0), x.dtype.type(1)
    for i in range(x.size):
        tail = normal_tail(np.abs(x[i]))
        y[i] = x[i] * (tail if x[i] < zero else one - tail)


@kernel
def gelu_backward(
    x: np.ndarray, y: np.ndarray, parameters: tuple[float, float], dy: np.ndarray, dx: np.ndarray
) -> None:
    """dx = dy · (Φ(x) + x φ(x)), with φ(x) = exp(−x²/2) / √(2π)."""
    zero, one = x.dtype.type(0), x.dtype.type(1)
    half, density = x.dtype.type(0.5), x.dtype.type(DENSITY)
    largest = x.dtype.type(50)  # φ is 0 beyond this, and the square of a larger x may be infinite
    for i in range(dy.size):
        inside = largest if x[i] > largest else (-largest if x[i] < -largest else x[i])
        tail = normal_tail(np.abs(inside))
        below = tail if inside < zero else one - tail
        dx[i] = dy[i] * (below + density * inside * exp(-half * inside * inside))


class GELU(BareSection, ActivationBlock):
    """x times the probability that a standard normal number is less than x."""

    type: Literal["gelu"] = Field(
        default="gelu", description="x times the standard normal distribution function of x"
    )

    forward = gelu_forward
    backward = gelu_backward

    def onnx(self, graph: Any, output: str) -> None:
        """x (1 + erf(x/√2)) / 2: ONNX's operator of this name needs a later opset."""
        x = graph.top
        graph.add("Mul", "", graph.new_constant("gelu.scale", math.sqrt(0.5)))
        graph.add("Erf")
        graph.add("Add", "", graph.new_constant("gelu.one", 1))
        graph.add("Mul", "", x)
        graph.add("Mul", output, graph.new_constant("gelu.half", 0.5))

    def torch(self) -> str:
        return "nn.GELU()"
