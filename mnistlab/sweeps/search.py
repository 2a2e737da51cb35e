"""The next points of a sweep: the method's search of each stage, as points with configurations."""

from collections import deque
from collections.abc import Mapping, Sequence

from mnistlab.config.load_sweep import SweepSource, refuse
from mnistlab.config.source_nodes import Node, Problem
from mnistlab.search import MAX_TRIALS, Result, Search
from mnistlab.search.axes import Values
from mnistlab.search.pruners import Plan, Pruning
from mnistlab.search.stages import Stages
from mnistlab.sweeps.points import Point, StagePoints
from mnistlab.sweeps.stage_plan import StagePlan, stage_plans


class StageSearch(Search[Point]):
    """The search of one stage by the sweep's method, on top of a winner's settings."""

    def __init__(self, source: SweepSource, plan: StagePlan, winner: Mapping[str, Node]) -> None:
        self.source = source
        self.plan = plan
        self.points = StagePoints(source, plan, winner)
        self._asked: set[str] = set()
        self._in_training = 0  # the number of points that have no result yet
        self._queue: deque[Point] = deque()  # asked for by the method, and not begun yet
        # Where trials are pruned: the state of the pruner, and of each trial its plan.
        self._pruning: Pruning | None = None
        self._plans: dict[str, Plan] = {}
        self._begun: dict[str, Point] = {}
        self._search = source.config.method.start(self.points.space)

    def ask(self) -> list[Point]:
        """The next points, each with a configuration that was not asked for before.

        If points begin one by one, only until `parallel` of them are in training; a point whose
        trial is promoted comes again. Raises ConfigError if the method asks for more points than a
        sweep may have.
        """
        config, found = self.source.config, list[Point]()
        if not config.one_by_one:
            found = self._new(self._search.ask())
            self._in_training += len(found)
        while config.one_by_one and self._in_training < (config.parallel or 1):
            if (point := self._next()) is None:
                break
            found.append(point)
            self._in_training += 1
        self._refuse_too_many()
        return found

    def known(self) -> list[Point]:
        """The points that are known before any result, of a search that has not begun: all of
        them, unless the method learns from results.
        """
        if self.source.config.method.learns:
            return self.ask()
        found = self._new(self._search.ask())
        self._refuse_too_many()
        return found

    def _refuse_too_many(self) -> None:
        if len(self._asked) * self.source.config.seeds > MAX_TRIALS:
            message = f"makes more than {MAX_TRIALS:,} trials"
            refuse([Problem(self.plan.parameters.position, ("parameters",), message)])

    def plan_of(self, point: Point) -> Plan | None:
        """When the trial of a point that was asked for stops; None if no trial is pruned."""
        return self._plans.get(point.identity)

    def _next(self) -> Point | None:
        """The next point: of a trial that is promoted, else a new one."""
        promoted = self._pruning.promoted() if self._pruning is not None else None
        if promoted is not None:
            name, self._plans[promoted[0]] = promoted
            return self._begun[name]
        if not self._queue and (self.source.config.method.one_by_one or not self._in_training):
            self._queue.extend(self._new(self._search.ask()))
        if not self._queue:
            return None
        point = self._queue.popleft()
        if (prune := self.source.config.prune) is not None:
            if self._pruning is None:
                training = point.config.training if point.config is not None else None
                self._pruning = prune.start(training.epochs or 1 if training is not None else 1)
            self._begun[point.identity] = point
            self._plans[point.identity] = self._pruning.new(point.identity)
        return point

    def _new(self, asked: Sequence[Values]) -> list[Point]:
        """The points whose configuration was not asked for before."""
        found: dict[str, Point] = {}
        for point in map(self.points.at, asked):
            if point.identity not in self._asked:
                found.setdefault(point.identity, point)
        self._asked |= found.keys()
        return list(found.values())

    def tell(self, result: Result[Point]) -> None:
        self._in_training -= 1
        if self._pruning is not None:
            ended = result.stopped is None
            self._pruning.tell(result.point.identity, result.curve, ended=ended)
        self._search.tell(result.about(result.point.values))

    def to_come(self) -> int:
        """The number of points that may follow those that were asked for."""
        if not self.source.config.method.learns:
            return len(self._queue)
        return len(self._queue) + max(0, self.points.most - len(self._asked))


class SweepSearch(Stages[Point]):
    """The search of a whole sweep."""

    def __init__(self, source: SweepSource) -> None:
        self._source = source
        self._plans = {plan.name: plan for plan in stage_plans(source)}
        self._running: dict[str | None, StageSearch] = {}
        super().__init__({name: plan.source for name, plan in self._plans.items()}, self._begin)

    def _begin(self, stage: str | None, winner: Point | None) -> StageSearch:
        settings = winner.settings if winner is not None else {}
        self._running[stage] = StageSearch(self._source, self._plans[stage], settings)
        return self._running[stage]

    def plan_of(self, stage: str | None, point: Point) -> Plan | None:
        """When the trial of a stage's point stops; None if no trial is pruned."""
        return self._running[stage].plan_of(point)

    def to_come(self) -> int:
        """The number of points that may follow those that were asked for, as far as known."""
        count = 0
        for stage, plan in self._plans.items():
            search = self._running.get(stage) or StageSearch(self._source, plan, {})
            first = 0 if stage in self._running else len(search.ask())
            count += first + search.to_come()
        return count
