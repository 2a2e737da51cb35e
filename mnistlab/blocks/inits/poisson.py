"""Poisson counts, scaled."""

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from mnistlab.blocks.inits import BIAS, BiasInit, InitBlock
from mnistlab.blocks.section import Positive, Real


class PoissonInit(InitBlock):
    """Poisson counts of mean lam, times factor."""

    type: Literal["poisson"] = Field(
        default="poisson", description="Poisson counts times a factor."
    )
    lam: Annotated[Positive, Field(le=1e6)] = Field(description="The mean count.")
    factor: Real = Field(description="Each count is multiplied by this.")
    bias: BiasInit = BIAS

    def draw_weights(self, tensor: Any, stream: np.random.Generator) -> np.ndarray:
        return self.factor * stream.poisson(self.lam, tensor.shape)
