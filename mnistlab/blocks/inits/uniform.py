"""Uniform between two bounds."""

from typing import Any, Literal

import numpy as np
from pydantic import Field

from mnistlab.blocks.inits import BIAS, BiasInit, InitBlock
from mnistlab.blocks.section import Real


class UniformInit(InitBlock):
    """Uniform from low to high."""

    type: Literal["uniform"] = Field(default="uniform", description="Uniform from low to high.")
    low: Real = Field(description="The smallest weight.")
    high: Real = Field(description="The largest weight; must be above `low`.")
    bias: BiasInit = BIAS

    def draw_weights(self, tensor: Any, stream: np.random.Generator) -> np.ndarray:
        return stream.uniform(self.low, self.high, tensor.shape)
