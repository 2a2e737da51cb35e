"""The identity: a linear layer."""

from typing import Any, Literal

import numpy as np
from pydantic import Field

from mnistlab.blocks.activations import ActivationBlock
from mnistlab.blocks.section import BareSection
from mnistlab.runtime.kernel import kernel


@kernel
def identity_forward(x: np.ndarray, parameters: tuple[float, float], y: np.ndarray) -> None:
    """y = x."""
    for i in range(x.size):
        y[i] = x[i]


@kernel
def identity_backward(
    x: np.ndarray, y: np.ndarray, parameters: tuple[float, float], dy: np.ndarray, dx: np.ndarray
) -> None:
    """dx = dy."""
    for i in range(dy.size):
        dx[i] = dy[i]


class IdentityActivation(BareSection, ActivationBlock):
    """x itself: a linear layer."""

    type: Literal["identity"] = Field(default="identity", description="x")

    forward = identity_forward
    backward = identity_backward

    def onnx(self, graph: Any, output: str) -> None:
        graph.add("Identity", output)

    def torch(self) -> str:
        return "nn.Identity()"

    def torch_output(self) -> str:
        return "logits"
