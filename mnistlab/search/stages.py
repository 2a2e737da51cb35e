"""Searches that build on each other: a stage begins when the stage that it continues has ended."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from mnistlab.search import Result, Search, best_of

P = TypeVar("P")
StageName = str | None  # None: the only stage of a sweep without stages


class NothingToChooseError(Exception):
    """No point of a stage has a score."""

    def __init__(self, stage: StageName, points: int) -> None:
        super().__init__(f"stage {stage}: none of {points} points has a score")
        self.stage = stage
        self.points = points


class Stages(Search[tuple[StageName, P]], Generic[P]):
    """The search of a whole sweep. A point is one of a stage's search, with the stage's name.

    `sources` has for every stage the earlier one that it continues, or None. `start` makes the
    search of a stage from that one's winner.
    """

    def __init__(
        self,
        sources: Mapping[StageName, StageName],
        start: Callable[[StageName, P | None], Search[P]],
    ) -> None:
        self.sources = sources
        self.results: dict[StageName, list[Result[P]]] = {}
        self._start = start
        self._searches: dict[StageName, Search[P]] = {}
        self._in_training: Counter[StageName] = Counter()  # points without a result
        self._ended: set[StageName] = set()

    def ask(self) -> list[tuple[StageName, P]]:
        """The next points of all stages that have begun, in the order of the stages.

        A stage has ended if it asks for no point when all of its results are told. Raises
        NothingToChooseError if the winner that a stage needs does not exist.
        """
        asked: dict[StageName, list[P]] = {}
        while waiting := [stage for stage in self.sources if self._may_ask(stage, asked)]:
            for stage in waiting:
                asked[stage] = self._search(stage).ask()
                self._in_training[stage] += len(asked[stage])
                if not self._in_training[stage]:
                    self._ended.add(stage)
        return [(stage, point) for stage in self.sources for point in asked.get(stage, ())]

    def tell(self, result: Result[tuple[StageName, P]]) -> None:
        stage, point = result.point
        self._in_training[stage] -= 1
        own = result.about(point)
        self.results[stage].append(own)
        self._searches[stage].tell(own)

    def winner(self, stage: StageName) -> Result[P]:
        """The best result of a stage that has ended; raises NothingToChooseError if there
        is none.
        """
        results = self.results[stage]
        best = best_of(results)
        if best is None:
            raise NothingToChooseError(stage, len(results))
        return best

    def _may_ask(self, stage: StageName, asked: Mapping[StageName, list[P]]) -> bool:
        source = self.sources[stage]
        ready = source is None or source in self._ended
        return ready and stage not in asked and stage not in self._ended

    def _search(self, stage: StageName) -> Search[P]:
        if stage not in self._searches:
            source = self.sources[stage]
            winner = self.winner(source).point if source is not None else None
            self.results[stage] = []
            self._searches[stage] = self._start(stage, winner)
        return self._searches[stage]
