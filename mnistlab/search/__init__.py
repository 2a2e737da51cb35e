"""Search methods: each file has one. It asks for points and is told how good they are.

Everything that searches has one protocol, `Search`. `ask` gives the next points, and `tell` takes
the result of one of them. A sweep asks, trains every point of the answer, tells all results in the
order of asking, and asks again, until nothing is asked for. So what is asked for depends on the
configuration and on results alone: not on the number of workers, nor on when they are done. A
sweep that was killed asks from the beginning again, and is told at once what has ended before.

No point is trained twice: one whose configuration was asked for before is left out of an answer.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Generic, TypeVar

from mnistlab.blocks.registry import Family, OneOf
from mnistlab.blocks.section import Section
from mnistlab.search.space import Space, Values

MAX_TRIALS = 20_000

P = TypeVar("P")


@dataclass(frozen=True)
class Result(Generic[P]):
    """How good a point is: the mean of the sweep's metric over its seeds.

    The higher the `score`, the better: a metric that is to be small has its sign changed. None
    where the metric is not known, because a trial diverged or failed. `trial` is the number of the
    point's first trial; of equal scores the lowest number wins.
    """

    point: P
    score: float | None
    trial: int


class Search(ABC, Generic[P]):
    """A search under way."""

    @abstractmethod
    def ask(self) -> list[P]:
        """The next points, all of which can be trained at the same time; none: it has ended."""

    @abstractmethod
    def tell(self, result: Result[P]) -> None:
        """Take the result of a point that was asked for."""


class AllAtOnce(Search[P]):
    """Asks for every point at once, and needs no result."""

    def __init__(self, points: Iterable[P]) -> None:
        self._left = list(points)

    def ask(self) -> list[P]:
        points, self._left = self._left, []
        return points

    def tell(self, result: Result[P]) -> None:
        """Nothing follows from it."""


class SearchMethod(Section):
    """What a sweep asks of a method; its fields are the keys that YAML has for it."""

    type: str

    # Whether later points depend on results: then they are not known before the sweep runs.
    learns: ClassVar[bool] = False
    # Whether it takes a number of a range: {uniform: [low, high]}, {loguniform: [low, high]}.
    draws: ClassVar[bool] = True
    # What makes the search larger, so that it still asks for every earlier point: more values of a
    # parameter, or a larger number for one of the method's own keys.
    grows_by_values: ClassVar[bool] = False
    grows_by: ClassVar[tuple[str, ...]] = ()
    # What its points are called.
    noun: ClassVar[str] = "points"

    def start(self, space: Space) -> Search[Values]:
        """A search from its beginning."""
        raise NotImplementedError(f"method {self.type}: does not search")

    def asks(self, sizes: Sequence[int | None]) -> int:
        """How many points it asks for in all, at most, where no two are equal.

        `sizes` has how many values each axis has; None for a range.
        """
        raise NotImplementedError(f"method {self.type}: does not say how many points it asks for")


METHODS = Family("mnistlab.search", SearchMethod)

Method = Annotated[SearchMethod, OneOf(METHODS)]


def best_of(results: Iterable[Result[P]]) -> Result[P] | None:
    """The best of results; None where no score is known."""
    known = [
        (result.score, -result.trial, result) for result in results if result.score is not None
    ]
    return max(known, key=lambda one: one[:2])[2] if known else None
