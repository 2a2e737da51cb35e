"""Softplus, a smooth ReLU. Source: Dugas, Bengio, Bélisle, Nadeau and Garcia (2001)."""

from typing import Any, Literal

import numpy as np
from pydantic import Field

from mnistlab.blocks.activations import ActivationBlock
from mnistlab.blocks.section import BareSection
from mnistlab.runtime.elementary import exp, log1p
from mnistlab.runtime.kernel import kernel


@kernel
def softplus_forward(x: np.ndarray, parameters: tuple[float, float], y: np.ndarray) -> None:
    """y = log(1 + exp(x)), as max(x, 0) + log(1 + exp(−|x|)): no exponential overflows."""
    zero = x.dtype.type(0)
    for i in range(x.size):
        positive = zero if x[i] < zero else x[i]
        y[i] = positive + log1p(exp(-np.abs(x[i])))


@kernel
def softplus_backward(
    x: np.ndarray, y: np.ndarray, parameters: tuple[float, float], dy: np.ndarray, dx: np.ndarray
) -> None:
    """dx = dy / (1 + exp(−x)). Where exp is inf, dx is 0."""
    one = x.dtype.type(1)
    for i in range(dy.size):
        dx[i] = dy[i] / (one + exp(-x[i]))


class Softplus(BareSection, ActivationBlock):
    """log(1 + exp(x))."""

    type: Literal["softplus"] = Field(default="softplus", description="log(1 + exp(x))")

    forward = softplus_forward
    backward = softplus_backward

    def onnx(self, graph: Any, output: str) -> None:
        graph.add("Softplus", output)

    def torch(self) -> str:
        return "nn.Softplus()"
