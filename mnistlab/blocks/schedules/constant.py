"""A constant rate."""

from typing import Literal

import numpy as np
from pydantic import Field

from mnistlab.blocks.schedules import ScheduleBlock, Steps


class ConstantSchedule(ScheduleBlock):
    """The optimizer's lr throughout."""

    type: Literal["constant"] = Field(default="constant", description="A constant learning rate.")

    def rates(self, lr: float, steps: Steps) -> np.ndarray:
        return np.full(len(steps.numbers), lr)
