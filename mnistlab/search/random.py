"""Combinations drawn at random."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from mnistlab.search import AllAtOnce, Search, SearchMethod, Trials
from mnistlab.search.axes import Values
from mnistlab.search.space import Space


class Random(SearchMethod):
    """Combinations drawn at random, from the run's seed."""

    type: Literal["random"] = "random"
    trials: Trials = Field(description="The number of combinations.")

    # The first points of a longer search are those of a shorter one.
    grows_by: ClassVar[tuple[str, ...]] = ("trials",)
    noun: ClassVar[str] = "random points"

    def start(self, space: Space) -> Search[Values]:
        return AllAtOnce(space.draw(self.trials))

    def asks(self, sizes: Sequence[int | None]) -> int:
        return self.trials
