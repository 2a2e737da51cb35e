"""A factor of its own after each of some epochs."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, Field

from mnistlab.blocks.schedules import ScheduleBlock, Steps
from mnistlab.blocks.section import MAX_COUNT, Positive, refuse
from mnistlab.support.whole_numbers import whole_number


def _by_epoch(value: Any) -> Any:
    """The mapping with every key a whole number, as text: the keys of a file are texts."""
    if not isinstance(value, Mapping):
        return value
    epochs = [whole_number(str(key), MAX_COUNT) for key in value]
    if None in epochs:
        refuse("a mapping of whole numbers of epochs to factors, such as {30: 0.1, 80: 0.1}")
    return {str(epoch): factor for epoch, factor in zip(epochs, value.values(), strict=True)}


class MilestonesSchedule(ScheduleBlock):
    """lr times the factors of all epochs that are done."""

    type: Literal["milestones"] = Field(
        default="milestones", description="A factor after each of some epochs."
    )
    at: Annotated[dict[str, Positive], BeforeValidator(_by_epoch)] = Field(
        description="By epochs done: the learning rate is multiplied by this from there on, e.g. "
        "{30: 0.1, 80: 0.1}."
    )

    def rates(self, lr: float, steps: Steps) -> np.ndarray:
        rates = np.full(len(steps.numbers), lr)
        for epoch in sorted(self.at, key=int):
            rates = np.where(steps.epochs >= int(epoch), rates * self.at[epoch], rates)
        return rates
