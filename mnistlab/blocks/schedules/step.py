"""A factor after every few epochs."""

from typing import Literal

import numpy as np
from pydantic import Field

from mnistlab.blocks.schedules import ScheduleBlock, Steps
from mnistlab.blocks.section import Count, Positive


class StepSchedule(ScheduleBlock):
    """lr times `factor` after each `every` epochs."""

    type: Literal["step"] = Field(default="step", description="A factor every few epochs.")
    factor: Positive = Field(description="The learning rate is multiplied by this at each drop.")
    every: Count = Field(description="Epochs from one drop to the next.")

    def rates(self, lr: float, steps: Steps) -> np.ndarray:
        return lr * self.factor ** (steps.epochs // self.every)
