"""Combinations drawn at random."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from mnistlab.search import MAX_TRIALS, AllAtOnce, Search, SearchMethod
from mnistlab.search.space import Space, Values


class Random(SearchMethod):
    """Combinations drawn at random, from the run's seed."""

    type: Literal["random"] = "random"
    trials: Annotated[int, Field(strict=True, ge=1, le=MAX_TRIALS)] = Field(
        description="The number of combinations."
    )

    # The first points of a longer search are those of a shorter one.
    grows_by: ClassVar[tuple[str, ...]] = ("trials",)
    noun: ClassVar[str] = "random points"

    def start(self, space: Space) -> Search[Values]:
        return AllAtOnce(space.draw(self.trials))

    def asks(self, sizes: Sequence[int | None]) -> int:
        return self.trials
