"""Glorot, normal. Source: Glorot and Bengio (2010)."""

from typing import Literal

from pydantic import Field

from mnistlab.blocks.inits import BIAS, BiasInit
from mnistlab.blocks.inits._scaled import ScaledInit


class GlorotNormal(ScaledInit):
    """Normal, variance 2 / (fan_in + fan_out) (Glorot and Bengio 2010)."""

    type: Literal["glorot_normal"] = Field(
        default="glorot_normal", description="Normal, variance 2 / (fan_in + fan_out)."
    )
    bias: BiasInit = BIAS

    def variance(self, fan_in: int, fan_out: int) -> float:
        return 2 / (fan_in + fan_out)
