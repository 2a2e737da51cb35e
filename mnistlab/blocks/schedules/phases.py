"""Schedules one after the other, each for some epochs."""

from collections.abc import Iterator
from itertools import accumulate
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from mnistlab.blocks.schedules import ScheduleBlock, Steps
from mnistlab.blocks.schedules._phase import Phase


class PhasesSchedule(ScheduleBlock):
    """Schedules one after the other. Each begins at its own first step, and takes the phase for
    the whole run. After the last phase, its last learning rate stays.
    """

    may_be_phase: ClassVar[bool] = False

    type: Literal["phases"] = Field(
        default="phases", description="Schedules one after the other, each for some epochs."
    )
    phases: Annotated[tuple[Phase, ...], Field(min_length=1, max_length=1000)] = Field(
        description="The schedules in order, e.g. [{epochs: 5, type: linear, scale: 0.1, "
        "final: 10}, cosine]."
    )

    @property
    def of_whole_run(self) -> bool:
        last = self.phases[-1]
        return last.epochs is None and last.of_whole_run

    def disagreements(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        for index, phase in enumerate(self.phases[:-1]):
            if phase.epochs is None:
                message = "must be given: only the last phase may last to the end of the run"
                yield ("phases", index, "epochs"), message

    def rates(self, lr: float, steps: Steps) -> np.ndarray:
        rates = np.empty(len(steps.numbers))
        lengths = [(phase.epochs or 0) * steps.per_epoch for phase in self.phases]
        starts = accumulate(lengths[:-1], initial=0)
        for phase, start, length in zip(self.phases, starts, lengths, strict=True):
            total = length or max(steps.total - start, 1)
            begun = steps.numbers >= start
            numbers = np.minimum(steps.numbers[begun] - start, total - 1)
            rates[begun] = phase.rates(lr * phase.scale, Steps(numbers, steps.per_epoch, total))
        return rates
