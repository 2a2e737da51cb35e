"""A factor after every so many epochs."""

from typing import Literal

import numpy as np
from pydantic import Field

from mnistlab.blocks.schedules import ScheduleBlock, Steps
from mnistlab.blocks.section import Count, Positive


class StepSchedule(ScheduleBlock):
    """lr times `factor` after each `every` epochs."""

    type: Literal["step"] = Field(default="step", description="A drop every few epochs.")
    factor: Positive = Field(description="What the rate is multiplied by at each drop.")
    every: Count = Field(description="Epochs from one drop to the next.")

    def rates(self, lr: float, steps: Steps) -> np.ndarray:
        return lr * self.factor ** (steps.epochs // self.every)
