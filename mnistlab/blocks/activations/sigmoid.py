"""The logistic function, with a steepness."""

from typing import Any, Literal

import numpy as np
from pydantic import Field

from mnistlab.blocks.activations import ActivationBlock, saturated_share
from mnistlab.blocks.section import Positive
from mnistlab.runtime.elementary import exp
from mnistlab.runtime.kernel import kernel

SLOPED_SIGMOID = '''\
class SlopedSigmoid(nn.Module):
    """1 / (1 + exp(-k x))."""

    def __init__(self, k: float) -> None:
        super().__init__()
        self.k = k

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.k * x)
'''


@kernel
def sigmoid_forward(x: np.ndarray, parameters: tuple[float, float], y: np.ndarray) -> None:
    """y = 1 / (1 + exp(−k x)). Where exp is inf, y is 0."""
    one, k = x.dtype.type(1), x.dtype.type(parameters[0])
    for i in range(x.size):
        y[i] = one / (one + exp(-k * x[i]))


@kernel
def sigmoid_backward(
    x: np.ndarray, y: np.ndarray, parameters: tuple[float, float], dy: np.ndarray, dx: np.ndarray
) -> None:
    """dx = dy · k y (1 − y)."""
    one, k = x.dtype.type(1), x.dtype.type(parameters[0])
    for i in range(dy.size):
        dx[i] = dy[i] * k * y[i] * (one - y[i])


class Sigmoid(ActivationBlock):
    """1 / (1 + exp(-k x))."""

    type: Literal["sigmoid"] = Field(default="sigmoid", description="1 / (1 + exp(-k x))")
    k: Positive = Field(default=1.0, description="The steepness: the slope at zero is k / 4.")

    forward = sigmoid_forward
    backward = sigmoid_backward
    in_place = True
    parameter_names = ("k",)

    def inactive_share(self, values: np.ndarray) -> float | None:
        """Values near 0 or 1."""
        return saturated_share(values, 0.0, 1.0)

    def onnx(self, graph: Any, output: str) -> None:
        if self.k != 1:
            graph.add("Mul", "", graph.new_constant("sigmoid.k", self.k))
        graph.add("Sigmoid", output)

    def torch(self) -> str:
        return "nn.Sigmoid()" if self.k == 1 else f"SlopedSigmoid({self.k!r})"

    def torch_definition(self) -> str:
        return "" if self.k == 1 else SLOPED_SIGMOID
