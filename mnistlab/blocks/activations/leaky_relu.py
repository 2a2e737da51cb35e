"""ReLU with a slope for negative values. Source: Maas, Hannun and Ng (2013)."""

from typing import Any, Literal

import numpy as np
from pydantic import Field

from mnistlab.blocks.activations import ActivationBlock
from mnistlab.blocks.section import NonNegative
from mnistlab.runtime.kernel import kernel


@kernel
def leaky_relu_forward(x: np.ndarray, parameters: tuple[float, float], y: np.ndarray) -> None:
    """y = x where x > 0, else alpha · x."""
    zero, alpha = x.dtype.type(0), x.dtype.type(parameters[0])
    for i in range(x.size):
        y[i] = x[i] if x[i] > zero else alpha * x[i]


@kernel
def leaky_relu_backward(
    x: np.ndarray, y: np.ndarray, parameters: tuple[float, float], dy: np.ndarray, dx: np.ndarray
) -> None:
    """dx = dy where x > 0, else alpha · dy."""
    zero, alpha = x.dtype.type(0), x.dtype.type(parameters[0])
    for i in range(dy.size):
        dx[i] = dy[i] if x[i] > zero else alpha * dy[i]


class LeakyReLU(ActivationBlock):
    """x where x > 0, else alpha x."""

    type: Literal["leaky_relu"] = Field(
        default="leaky_relu", description="x where x > 0, else alpha x"
    )
    alpha: NonNegative = Field(default=0.01, description="The slope left of zero.")

    forward = leaky_relu_forward
    backward = leaky_relu_backward
    in_place = True
    parameter_names = ("alpha",)

    def onnx(self, graph: Any, output: str) -> None:
        graph.add("LeakyRelu", output, alpha=self.alpha)

    def torch(self) -> str:
        return f"nn.LeakyReLU({self.alpha!r})"
