"""LeCun, normal. Source: LeCun et al., Efficient BackProp (1998)."""

from typing import Literal

from pydantic import Field

from mnistlab.blocks.inits import BIAS, BiasInit
from mnistlab.blocks.inits._scaled import ScaledInit


class LecunNormal(ScaledInit):
    """Normal, variance 1 / fan_in."""

    type: Literal["lecun_normal"] = Field(
        default="lecun_normal", description="Normal, variance 1 / fan_in."
    )
    bias: BiasInit = BIAS

    def variance(self, fan_in: int, fan_out: int) -> float:
        return 1 / fan_in
