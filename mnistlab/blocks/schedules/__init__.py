"""Learning-rate schedules: each file has one, a function of the step's number.

Only a schedule with a FallRule also depends on the falls so far, which the run keeps.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from mnistlab.blocks.registry import Family, OneOf
from mnistlab.blocks.section import Section


@dataclass(frozen=True)
class Steps:
    """The steps whose rates are requested, and the length of their run.

    `numbers` int64 (n,) count from the run's first step, 0; the run has `total` steps. `falls` are
    the numbers of the first steps after each fall that a FallRule has caused, in their order.
    """

    numbers: np.ndarray
    per_epoch: int
    total: int
    falls: tuple[int, ...] = ()

    @property
    def epochs(self) -> np.ndarray:
        """The epoch of each step, counted from 0."""
        return self.numbers // self.per_epoch


@dataclass(frozen=True)
class FallRule:
    """The rate falls when `monitor` has not improved by more than `min_delta` in so many rows."""

    monitor: str
    patience: int
    min_delta: float


class ScheduleBlock(Section):
    """The interface of a schedule."""

    type: str
    may_be_phase: ClassVar[bool] = True  # whether its rates depend on the steps of a phase alone

    @property
    def of_whole_run(self) -> bool:
        """Whether the rates depend on the number of all steps, or on the metrics of a run."""
        return self.fall_rule() is not None

    def disagreements(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Keys that are each valid alone but do not agree: the path in this section, and what it
        must be.
        """
        yield from ()

    def rates(self, lr: float, steps: Steps) -> np.ndarray:
        """The learning rates of the steps, float64 (n,); `lr` is the optimizer's."""
        raise NotImplementedError(f"schedule {self.type}: has no rates")

    def fall_rule(self) -> FallRule | None:
        """What makes the rate fall besides the steps' numbers, if anything does."""
        return None


SCHEDULES = Family("mnistlab.blocks.schedules", ScheduleBlock)

LRSchedule = Annotated[ScheduleBlock, OneOf(SCHEDULES, default="constant")]
