"""lr over the root of the step's number, after a straight warmup.

Source: Kingma and Ba, Adam (2015), section 4; Vaswani et al., Attention (2017), equation 3.
"""

from typing import Literal

import numpy as np
from pydantic import Field

from mnistlab.blocks.schedules import ScheduleBlock, Steps
from mnistlab.blocks.section import Count


class InverseSqrtSchedule(ScheduleBlock):
    """A straight line up to lr in `warmup` steps, then lr * sqrt(warmup / t) at step t = 1, 2, …"""

    type: Literal["inverse_sqrt"] = Field(
        default="inverse_sqrt", description="lr * sqrt(warmup / t) at step t, after a warmup."
    )
    warmup: Count = Field(
        default=1, description="Steps of a linear warmup to lr; 1: lr / sqrt(t) from the start."
    )

    def rates(self, lr: float, steps: Steps) -> np.ndarray:
        t = steps.numbers + 1
        return lr * np.minimum(t / self.warmup, np.sqrt(self.warmup / t))
