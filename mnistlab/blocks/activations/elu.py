"""The exponential linear unit. Source: Clevert, Unterthiner and Hochreiter (2016)."""

from typing import Any, Literal

import numpy as np
from pydantic import Field

from mnistlab.blocks.activations import SATURATION, ActivationBlock
from mnistlab.blocks.section import Positive
from mnistlab.runtime.elementary import exp, tanh
from mnistlab.runtime.kernel import kernel


@kernel
def elu_forward(x: np.ndarray, parameters: tuple[float, float], y: np.ndarray) -> None:
    """y = x where x > 0, else alpha (exp(x) − 1).

    With t = tanh(x / 2), exp(x) − 1 = 2 t / (1 − t): a small x loses no digits.
    """
    zero, half, one, two = x.dtype.type(0), x.dtype.type(0.5), x.dtype.type(1), x.dtype.type(2)
    alpha = x.dtype.type(parameters[0])
    for i in range(x.size):
        t = tanh(half * (zero if x[i] > zero else x[i]))
        y[i] = x[i] if x[i] > zero else alpha * (two * t / (one - t))


@kernel
def elu_backward(
    x: np.ndarray, y: np.ndarray, parameters: tuple[float, float], dy: np.ndarray, dx: np.ndarray
) -> None:
    """dx = dy where x > 0, else dy · alpha exp(x); y + alpha would lose the digits of a large x."""
    zero, alpha = x.dtype.type(0), x.dtype.type(parameters[0])
    for i in range(dy.size):
        dx[i] = dy[i] if x[i] > zero else dy[i] * alpha * exp(x[i])


class ELU(ActivationBlock):
    """x where x > 0, else alpha (exp(x) - 1)."""

    type: Literal["elu"] = Field(
        default="elu", description="x where x > 0, else alpha (exp(x) - 1)"
    )
    alpha: Positive = Field(default=1.0, description="The limit at the left is -alpha.")

    forward = elu_forward
    backward = elu_backward
    parameter_names = ("alpha",)

    def inactive_share(self, values: np.ndarray) -> float | None:
        """Values near -alpha."""
        return float((values < (SATURATION - 1) * self.alpha).mean())

    def onnx(self, graph: Any, output: str) -> None:
        graph.add("Elu", output, alpha=self.alpha)

    def torch(self) -> str:
        return f"nn.ELU({self.alpha!r})"
