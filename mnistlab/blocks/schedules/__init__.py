"""Learning-rate schedules: each file has one, a function of the step's number without state."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from mnistlab.blocks.registry import Family, OneOf
from mnistlab.blocks.section import Section


@dataclass(frozen=True)
class Steps:
    """The steps whose rates are requested, and the length of their run.

    `numbers` int64 (n,) count from the run's first step, 0; the run has `total` steps.
    """

    numbers: np.ndarray
    per_epoch: int
    total: int

    @property
    def epochs(self) -> np.ndarray:
        """The epoch of each step, counted from 0."""
        return self.numbers // self.per_epoch


class ScheduleBlock(Section):
    """The interface of a schedule."""

    type: str

    def rates(self, lr: float, steps: Steps) -> np.ndarray:
        """The learning rates of the steps, float64 (n,); `lr` is the optimizer's."""
        raise NotImplementedError(f"schedule {self.type}: has no rates")


SCHEDULES = Family("mnistlab.blocks.schedules", ScheduleBlock)

LRSchedule = Annotated[ScheduleBlock, OneOf(SCHEDULES, default="constant")]
