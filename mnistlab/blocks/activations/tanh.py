"""The hyperbolic tangent, with the scale and slope of LeCun, Bottou, Orr and Müller (1998)."""

from typing import Any, Literal

import numpy as np
from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from mnistlab.blocks.activations import ActivationBlock, saturated_share
from mnistlab.blocks.section import Positive
from mnistlab.runtime.elementary import tanh
from mnistlab.runtime.kernel import kernel

SCALED_TANH = '''\
class ScaledTanh(nn.Module):
    """scale * tanh(slope * x)."""

    def __init__(self, scale: float, slope: float) -> None:
        super().__init__()
        self.scale, self.slope = scale, slope

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.scale * torch.tanh(self.slope * x)
'''


@kernel
def tanh_forward(x: np.ndarray, parameters: tuple[float, float], y: np.ndarray) -> None:
    """y = scale · tanh(slope · x)."""
    scale, slope = x.dtype.type(parameters[0]), x.dtype.type(parameters[1])
    for i in range(x.size):
        y[i] = scale * tanh(slope * x[i])


@kernel
def tanh_backward(
    x: np.ndarray, y: np.ndarray, parameters: tuple[float, float], dy: np.ndarray, dx: np.ndarray
) -> None:
    """dx = dy · (slope / scale) (scale² − y²)."""
    square = x.dtype.type(parameters[0] * parameters[0])
    factor = x.dtype.type(parameters[1] / parameters[0])
    for i in range(dy.size):
        dx[i] = dy[i] * (factor * (square - y[i] * y[i]))


class Tanh(ActivationBlock):
    """scale · tanh(slope · x)."""

    type: Literal["tanh"] = Field(default="tanh", description="scale * tanh(slope * x)")
    scale: Positive = Field(default=1.0, description="The limits are -scale and scale.")
    slope: Positive = Field(default=1.0, description="The factor on x.")

    forward = tanh_forward
    backward = tanh_backward
    in_place = True
    parameter_names = ("scale", "slope")

    @model_serializer(mode="wrap")
    def _type_alone_by_default(self, whole: SerializerFunctionWrapHandler) -> Any:
        """As earlier versions wrote it, which knew no scale and slope."""
        return "tanh" if self.is_plain else whole(self)

    @property
    def is_plain(self) -> bool:
        """Whether it is tanh(x) itself."""
        return self.scale == self.slope == 1

    def inactive_share(self, values: np.ndarray) -> float | None:
        """Values near -scale or scale."""
        return saturated_share(values, -self.scale, self.scale)

    def onnx(self, graph: Any, output: str) -> None:
        if self.is_plain:
            graph.add("Tanh", output)
            return
        graph.add("Mul", "", graph.new_constant("tanh.slope", self.slope))
        graph.add("Tanh")
        graph.add("Mul", output, graph.new_constant("tanh.scale", self.scale))

    def torch(self) -> str:
        return "nn.Tanh()" if self.is_plain else f"ScaledTanh({self.scale!r}, {self.slope!r})"

    def torch_definition(self) -> str:
        return "" if self.is_plain else SCALED_TANH
