"""A factor whenever a metric has not improved for a while."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from mnistlab.blocks.schedules import FallRule, ScheduleBlock, Steps
from mnistlab.blocks.section import Count, NonNegative, ShareBelowOne


class PlateauSchedule(ScheduleBlock):
    """lr times `factor` for each time that the metric stopped improving, not below `min_lr`."""

    may_be_phase: ClassVar[bool] = False

    type: Literal["plateau"] = Field(
        default="plateau", description="A factor whenever a metric has stopped improving."
    )
    monitor: Literal["val_loss", "val_accuracy", "train_loss", "train_accuracy"] = Field(
        default="val_loss", description="The monitored metric."
    )
    factor: ShareBelowOne = Field(
        default=0.1, description="The learning rate is multiplied by this at each fall."
    )
    patience: Count = Field(
        default=5, description="Evaluations without improvement before the learning rate falls."
    )
    min_delta: NonNegative = Field(
        default=0.0, description="An improvement is a change by more than this."
    )
    min_lr: NonNegative = Field(default=0.0, description="The lowest learning rate.")

    def fall_rule(self) -> FallRule:
        return FallRule(self.monitor, self.patience, self.min_delta)

    def rates(self, lr: float, steps: Steps) -> np.ndarray:
        falls = np.searchsorted(np.array(steps.falls, np.int64), steps.numbers, side="right")
        # A rate that begins below min_lr stays where it is.
        return np.minimum(lr, np.maximum(lr * self.factor**falls, self.min_lr))
