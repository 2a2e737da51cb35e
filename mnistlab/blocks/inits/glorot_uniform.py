"""Glorot, uniform. Source: Glorot and Bengio (2010)."""

from typing import Literal

from pydantic import Field

from mnistlab.blocks.inits import BIAS, BiasInit
from mnistlab.blocks.inits._scaled import ScaledInit


class GlorotUniform(ScaledInit):
    """Uniform, variance 2 / (fan_in + fan_out)."""

    type: Literal["glorot_uniform"] = Field(
        default="glorot_uniform", description="Uniform, variance 2 / (fan_in + fan_out)."
    )
    bias: BiasInit = BIAS

    shape = "uniform"

    def variance(self, fan_in: int, fan_out: int) -> float:
        return 2 / (fan_in + fan_out)
