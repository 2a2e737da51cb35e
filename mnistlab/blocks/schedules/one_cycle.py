"""Half a cosine up to lr, and half a cosine down to a share of it.

Source: Smith and Topin, Super-Convergence (2018).
"""

from typing import Literal

import numpy as np
from pydantic import Field

from mnistlab.blocks.schedules import ScheduleBlock, Steps
from mnistlab.blocks.section import NonNegative, ShareBelowOne

# A one-cycle run begins at this share of its peak, as in PyTorch's OneCycleLR.
START = 1 / 25


class OneCycleSchedule(ScheduleBlock):
    """Up to lr for the share `warmup` of the steps, then down to final * lr."""

    type: Literal["one_cycle"] = Field(default="one_cycle", description="Rises to lr, then falls.")
    warmup: ShareBelowOne = Field(
        default=0.3, description="The share of all steps in which it rises."
    )
    final: NonNegative = Field(
        default=0.01, description="The last learning rate, as a share of lr."
    )

    @property
    def of_whole_run(self) -> bool:
        return True

    def rates(self, lr: float, steps: Steps) -> np.ndarray:
        numbers, last = steps.numbers, steps.total - 1
        peak = self.warmup * last
        up = np.clip(numbers / max(peak, 1e-9), 0, 1)
        down = np.clip((numbers - peak) / max(last - peak, 1e-9), 0, 1)
        start, end = lr * START, lr * self.final
        rising = lr + (start - lr) * (1 + np.cos(np.pi * up)) / 2
        falling = end + (lr - end) * (1 + np.cos(np.pi * down)) / 2
        return np.where(numbers < peak, rising, falling)
