"""Stops trials that are worse than the median of the trials before."""

import statistics
from typing import Literal

from pydantic import Field

from mnistlab.blocks.section import Count
from mnistlab.search.pruners import Curve, Plan, Pruner, Pruning


class Median(Pruner):
    """A trial stops if its best metric up to an epoch is worse than the median of those that the
    trials before, which were not stopped, had up to that epoch.
    """

    type: Literal["median"] = "median"
    startup: Count = Field(
        default=5, description="No trial stops before so many trials have ended."
    )

    def start(self, epochs: int) -> Pruning:
        return MedianPruning(self.warmup, self.startup)


class MedianPruning(Pruning):
    """The curves of the trials that were not stopped."""

    def __init__(self, warmup: int, startup: int) -> None:
        self.warmup = warmup
        self.startup = startup
        self._curves: list[Curve] = []

    def new(self, name: str) -> Plan:
        if len(self._curves) < self.startup:
            return Plan()
        last = max(map(max, self._curves))
        return Plan(least={epoch: self._median(epoch) for epoch in range(self.warmup, last + 1)})

    def _median(self, epoch: int) -> float:
        # A curve that ended earlier keeps its last value.
        reached = [[score for at, score in curve.items() if at <= epoch] for curve in self._curves]
        return statistics.median(max(scores) for scores in reached if scores)

    def tell(self, name: str, curve: Curve, *, ended: bool) -> None:
        if ended and curve:
            self._curves.append(curve)
