"""A phase: a schedule for some epochs of a run."""

from functools import cache
from typing import Annotated

from pydantic import Field

from mnistlab.blocks.registry import OneOf
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


@cache
def _as_phase(block: type[ScheduleBlock]) -> type[Section]:
    """The schedule with the keys of a phase in addition to its own."""
    doc = f"{block.model_fields['type'].default} for some epochs."
    bases = (PhaseKeys, block)
    return type(f"{block.__name__}Phase", bases, {"__doc__": doc, "__module__": __name__})


def __getattr__(name: str) -> type[Section]:
    """The class of a phase by its name, for unpickling a configuration."""
    for block in PHASES.blocks.values():
        if name == f"{block.__name__}Phase":
            return _as_phase(block)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


Phase = Annotated[AnyPhase, OneOf(PHASES, default="constant", each=_as_phase)]
