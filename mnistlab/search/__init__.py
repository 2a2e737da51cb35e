"""Search methods: each file has one. It asks for points and receives their results.

All searches have one protocol, `Search`. `ask` returns the next points, and `tell` receives the
result of one of them. A sweep calls `ask`, trains every point of the answer, calls `tell` for each
result in the order of the points, and calls `ask` again, until the answer is empty. So the points
depend on the configuration and on results alone, not on the number of workers or their speed. A
killed sweep asks from the beginning again and at once tells the results of trials that have ended.

A method that is `one_by_one` is asked for a point while the `parallel` - 1 points before it are
still in training. Results are told in the order of the points here, too: a point depends on the
results of all points but the last `parallel` - 1 before it, whatever trial ends first.

No point is trained twice: a point whose configuration was asked for before is removed from an
answer.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Generic, TypeVar

from pydantic import Field

from mnistlab.blocks.registry import Family, OneOf
from mnistlab.blocks.section import Section
from mnistlab.search.axes import Values
from mnistlab.search.space import Space

MAX_TRIALS = 20_000
Trials = Annotated[int, Field(strict=True, ge=1, le=MAX_TRIALS)]

P = TypeVar("P")
Q = TypeVar("Q")


@dataclass(frozen=True)
class Result(Generic[P]):
    """The score of a point: the mean of the sweep's metric over its seeds.

    A higher `score` is better: a metric to minimise has its sign changed. None if the metric is
    unknown, because a trial diverged or failed. `trial` is the number of the point's first trial;
    of equal scores the lowest number wins.
    """

    point: P
    score: float | None
    trial: int
    # The scores of the sweep's other metrics, if it has several; no method but those with
    # `several_metrics` looks at them.
    others: tuple[float, ...] = ()
    # Where trials are pruned: the best score up to each epoch, and the epoch after which the trial
    # was stopped. Its score is None then; if it is resumed, the point is told again.
    curve: Mapping[int, float] = field(default_factory=dict)
    stopped: int | None = None

    def about(self, point: Q) -> "Result[Q]":
        """The same result of a point as another part of the program names it."""
        return Result(
            point, self.score, self.trial, self.others, curve=self.curve, stopped=self.stopped
        )


class Search(ABC, Generic[P]):
    """The state of a search."""

    @abstractmethod
    def ask(self) -> list[P]:
        """The next points, all of which can be trained at the same time; empty: the search has
        ended.
        """

    @abstractmethod
    def tell(self, result: Result[P]) -> None:
        """Receive the result of a point that was asked for."""


class AllAtOnce(Search[P]):
    """Asks for every point at once, and ignores results."""

    def __init__(self, points: Iterable[P]) -> None:
        self._left = list(points)

    def ask(self) -> list[P]:
        points, self._left = self._left, []
        return points

    def tell(self, result: Result[P]) -> None:
        """Ignored."""


class SearchMethod(Section):
    """The interface of a method; its fields are its YAML keys."""

    type: str

    # Whether later points depend on results, and so are unknown before the sweep runs.
    learns: ClassVar[bool] = False
    # Whether it can learn from several metrics at once.
    several_metrics: ClassVar[bool] = False
    # Whether `ask` returns one point, also before the results of earlier points are told.
    one_by_one: ClassVar[bool] = False
    # Whether it accepts ranges: {uniform: [low, high]}, {loguniform: [low, high]}.
    draws: ClassVar[bool] = True
    # The number of keys with a range that it needs.
    least_ranges: ClassVar[int] = 0
    # What may be enlarged so that the search still asks for every earlier point: the values of a
    # parameter, or the number in one of the method's keys.
    grows_by_values: ClassVar[bool] = False
    grows_by: ClassVar[tuple[str, ...]] = ()
    # What messages call its points.
    noun: ClassVar[str] = "points"

    def start(self, space: Space) -> Search[Values]:
        """A new search."""
        raise NotImplementedError(f"method {self.type}: does not search")

    def asks(self, sizes: Sequence[int | None]) -> int:
        """The largest number of points that it asks for, if no two are equal.

        `sizes` has the number of values of each axis; None for a range.
        """
        raise NotImplementedError(f"method {self.type}: does not say how many points it asks for")


METHODS = Family("mnistlab.search", SearchMethod)

Method = Annotated[SearchMethod, OneOf(METHODS)]


def best_of(results: Iterable[Result[P]]) -> Result[P] | None:
    """The best of results; None if no score is known."""
    known = [
        (result.score, -result.trial, result) for result in results if result.score is not None
    ]
    return max(known, key=lambda one: one[:2])[2] if known else None
