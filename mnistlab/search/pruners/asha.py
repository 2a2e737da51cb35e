"""Successive halving without waiting (ASHA)."""

from typing import Annotated, Literal

from pydantic import Field

from mnistlab.blocks.section import Count
from mnistlab.search.pruners import Curve, Plan, Pruner, Pruning

Reduction = Annotated[Count, Field(ge=2, le=100)]
REDUCTION = "Of so many trials at a rung, the best one is resumed; also the factor of the epochs."


class Asha(Pruner):
    """Asynchronous successive halving (Li et al. 2020): trials stop at rungs, after `warmup`
    epochs, `warmup * reduction` epochs, and so on. The best of every `reduction` trials at a rung
    is resumed from its checkpoint.
    """

    type: Literal["asha"] = "asha"
    reduction: Reduction = Field(default=3, description=REDUCTION)

    def start(self, epochs: int) -> Pruning:
        return Halving(self.warmup, self.reduction)


class Halving(Pruning):
    """The trials at each rung."""

    def __init__(self, first: int, reduction: int) -> None:
        self.first = first
        self.reduction = reduction
        self._rungs: list[dict[str, float]] = []  # of each rung: the scores of its trials
        self._level: dict[str, int] = {}  # of each trial: the rung that it has reached or trains to
        self._ended: set[str] = set()

    def new(self, name: str) -> Plan:
        return self._plan(name, 0)

    def promoted(self) -> tuple[str, Plan] | None:
        for level in reversed(range(len(self._rungs))):
            scores = self._rungs[level]
            # Sorting keeps the order of equal scores, so that the earlier trial is better.
            best = sorted(scores, key=lambda name: -scores[name])[: len(scores) // self.reduction]
            for name in best:
                if self._level[name] == level and name not in self._ended:
                    return name, self._plan(name, level + 1)
        return None

    def tell(self, name: str, curve: Curve, *, ended: bool) -> None:
        level = self._level[name]
        while len(self._rungs) <= level:
            self._rungs.append({})
        self._rungs[level][name] = max(curve.values(), default=float("-inf"))
        if ended:
            self._ended.add(name)

    def _plan(self, name: str, level: int) -> Plan:
        self._level[name] = level
        return Plan(until=self.first * self.reduction**level)
