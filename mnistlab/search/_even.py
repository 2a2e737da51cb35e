"""Points that fill a space more evenly than random ones, by scipy.stats.qmc."""

from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import Field

from mnistlab.search import AllAtOnce, Search, SearchMethod, Trials
from mnistlab.search.axes import Values
from mnistlab.search.space import Space


class EvenMethod(SearchMethod):
    """A method whose points are those of a quasi-random sequence."""

    trials: Trials = Field(description="The number of points.")

    # The first points of a longer search are those of a shorter one.
    grows_by: ClassVar[tuple[str, ...]] = ("trials",)

    def engine(self, dimensions: int, seed: int) -> Any:
        """A scipy.stats.qmc.QMCEngine."""
        raise NotImplementedError(f"method {self.type}: has no sequence")

    def points(self, dimensions: int, seed: int) -> Any:
        """`trials` points of the unit cube, (trials, dimensions)."""
        # A Sobol sequence is even when its length is a power of two.
        length = 2 ** (self.trials - 1).bit_length()
        return self.engine(dimensions, seed).random(length)[: self.trials]

    def start(self, space: Space) -> Search[Values]:
        points = self.points(space.dimensions, int(space.stream(self.type).integers(2**32)))
        return AllAtOnce(filter(space.is_new, map(space.at, points)))

    def asks(self, sizes: Sequence[int | None]) -> int:
        return self.trials
