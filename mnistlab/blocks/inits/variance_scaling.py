"""Variance scaling as in Keras, but never truncated."""

from typing import Any, Literal

import numpy as np
from pydantic import Field

from mnistlab.blocks.inits import BIAS, BiasInit
from mnistlab.blocks.inits._scaled import ScaledInit, drawn
from mnistlab.blocks.section import Positive


class VarianceScaling(ScaledInit):
    """Variance scale / the named fan."""

    type: Literal["variance_scaling"] = Field(
        default="variance_scaling",
        description="Variance scale / fan, with the fan that `mode` names.",
    )
    scale: Positive = Field(default=1.0, description="The numerator of the variance.")
    mode: Literal["fan_in", "fan_out", "fan_sum"] = Field(
        default="fan_in", description="The fan: inputs, outputs, or the sum of both."
    )
    distribution: Literal["normal", "uniform"] = Field(
        default="normal", description="The distribution's shape; normals are not truncated."
    )
    bias: BiasInit = BIAS

    def variance(self, fan_in: int, fan_out: int) -> float:
        fans = {"fan_in": fan_in, "fan_out": fan_out, "fan_sum": fan_in + fan_out}
        return self.scale / fans[self.mode]

    def draw_weights(self, tensor: Any, stream: np.random.Generator) -> np.ndarray:
        variance = self.variance(tensor.fan_in, tensor.fan_out)
        return drawn(self.distribution, variance, tensor.shape, stream)
