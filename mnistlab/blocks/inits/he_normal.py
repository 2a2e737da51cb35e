"""He, normal. Source: He et al. (2015)."""

from typing import Literal

from pydantic import Field

from mnistlab.blocks.inits import BIAS, BiasInit
from mnistlab.blocks.inits._scaled import ScaledInit


class HeNormal(ScaledInit):
    """Normal, variance 2 / fan_in (He et al. 2015)."""

    type: Literal["he_normal"] = Field(
        default="he_normal", description="Normal, variance 2 / fan_in."
    )
    bias: BiasInit = BIAS

    def variance(self, fan_in: int, fan_out: int) -> float:
        return 2 / fan_in
