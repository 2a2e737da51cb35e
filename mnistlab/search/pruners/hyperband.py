"""Several successive halvings, which stop trials more or less early."""

from typing import Literal

from pydantic import Field

from mnistlab.search.pruners import Curve, Plan, Pruner, Pruning
from mnistlab.search.pruners.asha import REDUCTION, Halving, Reduction


class Hyperband(Pruner):
    """Asynchronous Hyperband (Li et al. 2018): several brackets, each a successive halving as asha.
    The first rung of a bracket is `reduction` times as late as that of the bracket before, and it
    has fewer trials. It suits trials whose first epochs tell little.
    """

    type: Literal["hyperband"] = "hyperband"
    reduction: Reduction = Field(default=3, description=REDUCTION)

    def start(self, epochs: int) -> Pruning:
        return Brackets(self.warmup, self.reduction, epochs)


class Brackets(Pruning):
    """The halvings, each with its share of the trials."""

    def __init__(self, first: int, reduction: int, epochs: int) -> None:
        self.halvings = [Halving(first, reduction)]
        while self.halvings[-1].first * reduction <= epochs:
            self.halvings.append(Halving(self.halvings[-1].first * reduction, reduction))
        rungs = range(len(self.halvings), 0, -1)
        # The numbers of trials for which the brackets train about as many epochs.
        self._shares = [len(rungs) / count * reduction ** (count - 1) for count in rungs]
        self._counts = [0] * len(rungs)
        self._halving: dict[str, Halving] = {}

    def new(self, name: str) -> Plan:
        lacking = [count / share for count, share in zip(self._counts, self._shares, strict=True)]
        bracket = lacking.index(min(lacking))
        self._counts[bracket] += 1
        self._halving[name] = self.halvings[bracket]
        return self._halving[name].new(name)

    def promoted(self) -> tuple[str, Plan] | None:
        return next(filter(None, (halving.promoted() for halving in self.halvings)), None)

    def tell(self, name: str, curve: Curve, *, ended: bool) -> None:
        self._halving[name].tell(name, curve, ended=ended)
