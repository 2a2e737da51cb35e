"""Pruners: each file has one. It decides after which epoch a trial stops.

A sweep asks for the plan of each new trial, and for trials to promote: to resume from their
checkpoints. It tells the curve of a trial when the trial has stopped or ended, in the order in
which the plans were asked for. So plans depend on results alone, and not on what ends first. Reads
and writes no file.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from mnistlab.blocks.registry import Family, OneOf
from mnistlab.blocks.section import Count, Section

# The best score up to each epoch; higher is better.
Curve = Mapping[int, float]


@dataclass(frozen=True)
class Plan:
    """When a trial stops: after epoch `until`, or after an epoch up to which its best score is less
    than that of `least`.
    """

    until: float = math.inf
    least: Mapping[int, float] = field(default_factory=dict)

    def stops_at(self, curve: Curve) -> int | None:
        """The first epoch after which a trial with this curve stops; None if it goes on."""
        for epoch, score in sorted(curve.items()):
            if epoch >= self.until or score < self.least.get(epoch, -math.inf):
                return epoch
        return None


class Pruning(ABC):
    """The state of a pruner. Trials have names."""

    @abstractmethod
    def new(self, name: str) -> Plan:
        """The plan of a new trial."""

    @abstractmethod
    def tell(self, name: str, curve: Curve, *, ended: bool) -> None:
        """Receive the curve of a trial that has stopped by its plan, or ended by itself."""

    def promoted(self) -> tuple[str, Plan] | None:
        """A stopped trial to resume, with its new plan; None if there is none."""
        return None


class Pruner(Section):
    """The interface of a pruner; its fields are its YAML keys."""

    type: str
    warmup: Count = Field(default=1, description="No trial stops before the end of this epoch.")

    def start(self, epochs: int) -> Pruning:
        """A new state, for trials of about so many epochs."""
        raise NotImplementedError(f"pruner {self.type}: does not prune")


PRUNERS = Family("mnistlab.search.pruners", Pruner)

Prune = Annotated[Pruner, OneOf(PRUNERS)]
