"""Normal around zero."""

from typing import Any, Literal

import numpy as np
from pydantic import Field

from mnistlab.blocks.inits import BIAS, BiasInit, InitBlock
from mnistlab.blocks.section import Positive


class NormalInit(InitBlock):
    """Normal around zero, not truncated."""

    type: Literal["normal"] = Field(
        default="normal", description="Normal around zero, not truncated."
    )
    std: Positive = Field(description="The standard deviation.")
    bias: BiasInit = BIAS

    def draw_weights(self, tensor: Any, stream: np.random.Generator) -> np.ndarray:
        return self.std * stream.standard_normal(tensor.shape)
