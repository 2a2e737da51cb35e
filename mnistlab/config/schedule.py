"""The configuration's `lr_schedule`: how the learning rate changes in training."""

from typing import Annotated, Literal

from pydantic import Field

from mnistlab.config.base import (
    Count,
    CountOrZero,
    Flag,
    NonNegative,
    Positive,
    Section,
    ShareBelowOne,
    TypedUnion,
)


class ConstantSchedule(Section):
    """The optimizer's lr throughout."""

    type: Literal["constant"] = Field(default="constant", description="The same rate throughout.")


class StepSchedule(Section):
    """lr times `factor` after each `every` epochs."""

    type: Literal["step"] = Field(default="step", description="A drop every few epochs.")
    factor: Positive = Field(description="What the rate is multiplied by at each drop.")
    every: Count = Field(description="Epochs from one drop to the next.")


class ExponentialSchedule(Section):
    """lr times gamma to the power of the epoch."""

    type: Literal["exponential"] = Field(default="exponential", description="A factor every epoch.")
    gamma: Positive = Field(description="What the rate is multiplied by after each epoch.")


class LinearSchedule(Section):
    """A straight line from lr to final * lr over `steps`, constant after them."""

    type: Literal["linear"] = Field(default="linear", description="A straight line, then constant.")
    final: NonNegative = Field(description="The rate at the line's end, as a share of lr.")
    steps: Count = Field(description="Steps until the line's end.")
    restart_every_epoch: Flag = Field(default=False, description="Begin the line anew each epoch.")


class InverseTimeSchedule(Section):
    """lr / (1 + decay * step)."""

    type: Literal["inverse_time"] = Field(
        default="inverse_time", description="lr / (1 + decay * step)."
    )
    decay: NonNegative = Field(description="The decay per step.")


class CosineSchedule(Section):
    """Half a cosine from lr down to `min`, in each of `cycles` cycles, after a linear warmup."""

    type: Literal["cosine"] = Field(default="cosine", description="Half a cosine, down to `min`.")
    min: NonNegative = Field(default=0.0, description="The lowest rate.")
    cycles: Count = Field(default=1, description="How often the descent is made.")
    warmup: CountOrZero = Field(default=0, description="Steps of rising to lr first.")


class OneCycleSchedule(Section):
    """Up to lr for the share `warmup` of the steps, then down to final * lr."""

    type: Literal["one_cycle"] = Field(default="one_cycle", description="Up to lr, then down.")
    warmup: ShareBelowOne = Field(default=0.3, description="The share of all steps that rises.")
    final: NonNegative = Field(default=0.01, description="The last rate, as a share of lr.")


LRSchedule = Annotated[
    ConstantSchedule
    | StepSchedule
    | ExponentialSchedule
    | LinearSchedule
    | InverseTimeSchedule
    | CosineSchedule
    | OneCycleSchedule,
    TypedUnion(default="constant"),
]
