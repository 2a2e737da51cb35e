"""A linear warmup, then half a cosine per cycle.

Source: Loshchilov and Hutter, SGDR (2017), equation 5.
"""

from typing import Literal

import numpy as np
from pydantic import Field

from mnistlab.blocks.schedules import ScheduleBlock, Steps
from mnistlab.blocks.section import Count, CountOrZero, NonNegative


class CosineSchedule(ScheduleBlock):
    """Half a cosine from lr down to `min`, in each of `cycles` cycles, after a linear warmup."""

    type: Literal["cosine"] = Field(
        default="cosine", description="Half a cosine from lr down to `min`."
    )
    min: NonNegative = Field(default=0.0, description="The lowest learning rate.")
    cycles: Count = Field(default=1, description="The number of descents.")
    warmup: CountOrZero = Field(default=0, description="Steps of a linear warmup to lr.")

    @property
    def of_whole_run(self) -> bool:
        return True

    def rates(self, lr: float, steps: Steps) -> np.ndarray:
        rising = lr * (steps.numbers + 1) / max(self.warmup, 1)
        span = max(steps.total - self.warmup, 1)
        # In integers: with floats, rounding could end a cycle a step late, at the lowest rate.
        within = (steps.numbers - self.warmup) * self.cycles % span / span
        falling = self.min + (lr - self.min) * (1 + np.cos(np.pi * within)) / 2
        return np.where(steps.numbers < self.warmup, rising, falling)
