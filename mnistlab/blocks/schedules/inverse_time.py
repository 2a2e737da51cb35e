"""lr / (1 + decay · step)."""

from typing import Literal

import numpy as np
from pydantic import Field

from mnistlab.blocks.schedules import ScheduleBlock, Steps
from mnistlab.blocks.section import NonNegative


class InverseTimeSchedule(ScheduleBlock):
    """lr / (1 + decay * step)."""

    type: Literal["inverse_time"] = Field(
        default="inverse_time", description="lr / (1 + decay * step)."
    )
    decay: NonNegative = Field(description="The decay per step.")

    def rates(self, lr: float, steps: Steps) -> np.ndarray:
        return lr / (1 + self.decay * steps.numbers)
