"""A factor after each epoch."""

from typing import Literal

import numpy as np
from pydantic import Field

from mnistlab.blocks.schedules import ScheduleBlock, Steps
from mnistlab.blocks.section import Positive


class ExponentialSchedule(ScheduleBlock):
    """lr times gamma to the power of the epoch."""

    type: Literal["exponential"] = Field(default="exponential", description="A factor every epoch.")
    gamma: Positive = Field(description="The learning rate is multiplied by this after each epoch.")

    def rates(self, lr: float, steps: Steps) -> np.ndarray:
        return lr * self.gamma**steps.epochs
