"""He, uniform. Source: He et al. (2015)."""

from typing import Literal

from pydantic import Field

from mnistlab.blocks.inits import BIAS, BiasInit
from mnistlab.blocks.inits._scaled import ScaledInit


class HeUniform(ScaledInit):
    """Uniform, variance 2 / fan_in."""

    type: Literal["he_uniform"] = Field(
        default="he_uniform", description="Uniform, variance 2 / fan_in."
    )
    bias: BiasInit = BIAS

    shape = "uniform"

    def variance(self, fan_in: int, fan_out: int) -> float:
        return 2 / fan_in
