"""All weights zero."""

from typing import Any, Literal

import numpy as np
from pydantic import Field

from mnistlab.blocks.inits import BIAS, BiasInit, InitBlock


class Zeros(InitBlock):
    """All weights zero."""

    type: Literal["zeros"] = Field(default="zeros", description="All weights zero.")
    bias: BiasInit = BIAS

    def draw_weights(self, tensor: Any, stream: np.random.Generator) -> np.ndarray:
        return np.zeros(tensor.shape)
