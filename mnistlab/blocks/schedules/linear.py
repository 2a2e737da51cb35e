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
    steps: Count | None = Field(
        default=None,
        description="The number of steps of the line. null: all of the run, of the phase, or of "
        "the epoch if it restarts.",
    )
    restart_every_epoch: Flag = Field(default=False, description="Restart the line at each epoch.")

    @property
    def of_whole_run(self) -> bool:
        return self.steps is None and not self.restart_every_epoch

    def rates(self, lr: float, steps: Steps) -> np.ndarray:
        numbers, length = steps.numbers, steps.total
        if self.restart_every_epoch:
            numbers, length = numbers % steps.per_epoch, steps.per_epoch
        done = np.minimum(numbers / (self.steps or length), 1.0)
        return lr * (1 - done * (1 - self.final))
