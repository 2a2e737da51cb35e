"""Linear to a share of lr, then constant."""

from typing import Literal

import numpy as np
from pydantic import Field

from mnistlab.blocks.schedules import ScheduleBlock, Steps
from mnistlab.blocks.section import Count, Flag, NonNegative


class LinearSchedule(ScheduleBlock):
    """A straight line from lr to final * lr over `steps`, constant after them."""

    type: Literal["linear"] = Field(default="linear", description="Linear, then constant.")
    final: NonNegative = Field(
        description="The learning rate at the end of the line, as a share of lr."
    )
    steps: Count = Field(description="The number of steps of the line.")
    restart_every_epoch: Flag = Field(default=False, description="Restart the line at each epoch.")

    def rates(self, lr: float, steps: Steps) -> np.ndarray:
        numbers = steps.numbers
        since = numbers % steps.per_epoch if self.restart_every_epoch else numbers
        done = np.minimum(since / self.steps, 1.0)
        return lr * (1 - done * (1 - self.final))
