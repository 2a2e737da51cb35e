"""A phase: a schedule for some epochs of a run."""

from typing import Annotated

from pydantic import Field

from mnistlab.blocks.registry import Extended, OneOf
from mnistlab.blocks.schedules import SCHEDULES, ScheduleBlock
from mnistlab.blocks.section import Count, Positive, Section

PHASES = SCHEDULES.where(lambda block: block.may_be_phase)


class PhaseKeys(Section):
    """The keys that a schedule has as a phase, in addition to its own."""

    epochs: Count | None = Field(
        default=None,
        description="The length of the phase. null, in the last phase: to the end of the run.",
    )
    scale: Positive = Field(
        default=1.0, description="The lr of the phase, as a share of the optimizer's."
    )


class AnyPhase(PhaseKeys, ScheduleBlock):
    """One of the schedules with the keys of a phase."""


_PHASES = Extended(PHASES, PhaseKeys, name="{}Phase", doc="{} for some epochs.")
__getattr__ = _PHASES.class_named

Phase = Annotated[AnyPhase, OneOf(PHASES, default="constant", each=_PHASES.of)]
