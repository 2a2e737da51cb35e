"""The next points of a sweep: the method's search of each stage, as points with configurations."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mnistlab.config import RunConfig, config_hash
from mnistlab.config.conditions import holds
from mnistlab.config.load_sweep import SweepSource, refuse, value_nodes
from mnistlab.config.ranges import number_of_values, whole_bounds
from mnistlab.config.source_nodes import Node, Problem
from mnistlab.config.sweep import SweepConfig
from mnistlab.config.sweep_checks import groups
from mnistlab.search import MAX_TRIALS, Result, Search
from mnistlab.search.pruners import Plan, Pruning
from mnistlab.search.space import Axis, Choice, ListedAxis, Range, RangeAxis, Rules, Space, Values
from mnistlab.search.stages import Stages

# A method that learns has not chosen its points yet: so many are checked in their place.
DRAWN_TO_CHECK = 64


@dataclass(frozen=True)
class Point:
    """One combination of values, by dotted path, each with its position in the source.

    `values` are those that the search has asked for; `settings` also has those of the stage and of
    the winner that it continues. `config` is the trial's configuration, or None if the values do
    not fit together: `problems`.
    """

    values: Values
    settings: Mapping[str, Node]
    config: RunConfig | None
    problems: tuple[Problem, ...]

    @property
    def parameters(self) -> dict[str, Any]:
        """The settings without their positions."""
        return {key: node.plain() for key, node in self.settings.items()}

    @cached_property
    def identity(self) -> str:
        """Equal for points with equal resolved configurations. Points without a configuration are
        compared by their values, so that each one's problems are reported.
        """
        return repr(self.parameters) if self.config is None else config_hash(self.config)


@dataclass(frozen=True)
class StagePlan:
    """Parameters tried together: a stage, or (`name` None) a whole sweep without stages."""

    name: str | None
    source: str | None  # the stage that it continues
    grids: tuple[Node, ...]  # the parameters; several mappings if the key `grids` has them
    fixed: Mapping[str, Node]

    @property
    def parameters(self) -> Node:
        """The parameters, of the first grid."""
        return self.grids[0]

    def values(self, key: str) -> Node:
        """The values to try for a key: a list or a range."""
        return _child(self.parameters, key)


def _child(parameters: Node, key: str) -> Node:
    node = parameters.child(key)
    assert node is not None
    return node


def crossed(parameters: Node, source: SweepSource) -> list[list[str]]:
    """The keys that are crossed, each with those that change together with it."""
    assert isinstance(parameters.value, dict)
    return groups(parameters.value, source.config.zip)


def stage_plans(source: SweepSource) -> list[StagePlan]:
    """The stages of a sweep in their order; one for a sweep without stages."""
    whole = source.root.at(("parameters",))
    if whole is not None and source.config.parameters is not None:
        return [StagePlan(None, None, (whole,), {})]
    grids = [source.root.at(("grids", index)) for index, _ in enumerate(source.config.grids or ())]
    if grids:
        return [StagePlan(None, None, tuple(filter(None, grids)), {})]
    found = []
    for index, stage in enumerate(source.config.stages or ()):
        parameters = source.root.at(("stages", index, "parameters"))
        fixed = {key: source.root.at(("stages", index, "set", key)) for key in stage.set}
        assert parameters is not None
        kept = {key: node for key, node in fixed.items() if node is not None}
        found.append(StagePlan(stage.name, stage.source, (parameters,), kept))
    return found


class WrittenRules(Rules):
    """The rules of the keys `when` and `exclude`."""

    def __init__(self, config: SweepConfig) -> None:
        self.when = config.when
        self.exclude = config.exclude

    def is_tried(self, key: str, values: Values) -> bool:
        return key not in self.when or holds(self.when[key], _plain(values))

    def allows(self, values: Values) -> bool:
        return not any(holds(condition, _plain(values)) for condition in self.exclude)


def _plain(values: Values) -> dict[str, Any]:
    return {key: one.value if isinstance(one, Choice) else one for key, one in values.items()}


class StageSearch(Search[Point]):
    """The search of one stage by the sweep's method, on top of a winner's settings."""

    def __init__(self, source: SweepSource, plan: StagePlan, winner: Mapping[str, Node]) -> None:
        self.source = source
        self.plan = plan
        self._fixed = {**winner, **plan.fixed}
        self._listed: dict[str, list[Node]] = {}
        self._points: dict[tuple[tuple[str, Any], ...], Point] = {}
        self._asked: set[str] = set()
        self._in_training = 0  # the number of points that have no result yet
        self._queue: deque[Point] = deque()  # asked for by the method, and not begun yet
        # Where trials are pruned: the state of the pruner, and of each trial its plan.
        self._pruning: Pruning | None = None
        self._plans: dict[str, Plan] = {}
        self._begun: dict[str, Point] = {}
        axes = [[self._axis(grid, keys) for keys in crossed(grid, source)] for grid in plan.grids]
        seed = source.root.at(("run", "seed"))
        self._space = Space(
            axes=axes[0],
            seed=seed.value if seed is not None and isinstance(seed.value, int) else 0,
            label=plan.name or "",
            identity=lambda values: self._point(values).identity,
            grids=axes,
            rules=WrittenRules(source.config),
        )
        self._search = source.config.method.start(self._space)

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
        if len(self._asked) * self.source.config.seeds > MAX_TRIALS:
            message = f"makes more than {MAX_TRIALS:,} trials"
            refuse([Problem(self.plan.parameters.position, ("parameters",), message)])
        return found

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
        for point in map(self._point, asked):
            if point.identity not in self._asked:
                found.setdefault(point.identity, point)
        self._asked |= found.keys()
        return list(found.values())

    def tell(self, result: Result[Point]) -> None:
        self._in_training -= 1
        if self._pruning is not None:
            ended = result.stopped is None
            self._pruning.tell(result.point.identity, result.curve, ended=ended)
        values = result.point.values
        self._search.tell(Result(values, result.score, result.trial, result.curve, result.stopped))

    @property
    def most(self) -> int:
        """The largest number of points that the method asks for, if no two are equal."""
        return sum(
            self.source.config.method.asks(
                [
                    number_of_values(_child(grid, keys[0]).plain())
                    for keys in crossed(grid, self.source)
                ]
            )
            for grid in self.plan.grids
        )

    def to_come(self) -> int:
        """The number of points that may follow those that were asked for."""
        if not self.source.config.method.learns:
            return len(self._queue)
        return len(self._queue) + max(0, self.most - len(self._asked))

    def ends(self) -> list[Point]:
        """Points that together have every listed value and both ends of every range; if some keys
        are conditional, also points drawn at random.
        """
        drawn = self._space.draw(DRAWN_TO_CHECK) if self.source.config.when else []
        return [self._point(values) for values in [*self._space.ends(), *drawn]]

    def _point(self, values: Values) -> Point:
        key = tuple(values.items())
        if key not in self._points:
            settings = self._fixed | {path: self._node(path, value) for path, value in key}
            config, problems = self.source.run_config(settings)
            if config is not None and self.source.config.stages is not None:
                config = without_test(config)
            if config is not None and (fault := self._cannot_be_pruned(config)) is not None:
                config, problems = None, [*problems, fault]
            self._points[key] = Point(values, settings, config, tuple(problems))
        return self._points[key]

    def _cannot_be_pruned(self, config: RunConfig) -> Problem | None:
        node, training = self.source.root.at(("prune",)), config.training
        if self.source.config.prune is None or node is None:
            return None
        if training.epochs is not None and training.evaluate_every == "epoch":
            return None
        message = "compares trials epoch by epoch: a run needs training.epochs, and "
        return Problem(node.position, ("prune",), message + "training.evaluate_every: epoch")

    def _node(self, key: str, value: Choice | int | float) -> Node:
        """A value with the position where it, or its range, was written."""
        if isinstance(value, Choice):
            return self._listed[key][value.number]
        written = self.plan.values(key)
        return Node(value, written.position, written.key_position)

    def _axis(self, grid: Node, keys: Sequence[str]) -> Axis:
        """The values of keys that change together: all are listed, or none is."""
        if number_of_values(_child(grid, keys[0]).plain()) is None:
            return RangeAxis({key: _range(key, _child(grid, key).plain()) for key in keys})
        columns = []
        for key in keys:
            listed, nodes = self._listed.setdefault(key, []), value_nodes(key, _child(grid, key))
            # A later grid continues the numbers of the choices.
            columns.append([Choice(n, node.plain()) for n, node in enumerate(nodes, len(listed))])
            listed += nodes
        return ListedAxis([dict(zip(keys, row, strict=True)) for row in zip(*columns, strict=True)])


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


def without_test(config: RunConfig) -> RunConfig:
    """The configuration of a stage's trial: the test set is not evaluated."""
    training = config.training.model_copy(update={"test": "never"})
    return config.model_copy(update={"training": training})


def _range(key: str, written: Mapping[str, Any]) -> Range:
    ((kind, (low, high)),) = written.items()
    bounds = whole_bounds(key, written)
    if bounds is not None:
        low, high = bounds
    return Range(low, high, logarithmic=kind == "loguniform", whole=bounds is not None)
