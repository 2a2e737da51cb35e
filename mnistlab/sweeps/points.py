"""The points of a stage: combinations of values with their configurations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mnistlab.config import RunConfig, config_hash
from mnistlab.config.conditions import holds
from mnistlab.config.load_sweep import SweepSource, value_nodes
from mnistlab.config.ranges import number_of_values, whole_bounds
from mnistlab.config.source_nodes import Node, Problem
from mnistlab.config.sweep import SweepConfig
from mnistlab.search.axes import Axis, Choice, ListedAxis, Range, RangeAxis, Values
from mnistlab.search.space import Rules, Space
from mnistlab.sweeps.stage_plan import StagePlan, crossed, values_of_key

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


class StagePoints:
    """The points of one stage on top of a winner's settings, and the space of their values."""

    def __init__(self, source: SweepSource, plan: StagePlan, winner: Mapping[str, Node]) -> None:
        self.source = source
        self.plan = plan
        self._fixed = {**winner, **plan.fixed}
        self._listed: dict[str, list[Node]] = {}
        self._points: dict[tuple[tuple[str, Any], ...], Point] = {}
        axes = [[self._axis(grid, keys) for keys in crossed(grid, source)] for grid in plan.grids]
        seed = source.root.at(("run", "seed"))
        self.space = Space(
            axes=axes[0],
            seed=seed.value if seed is not None and isinstance(seed.value, int) else 0,
            label=plan.name or "",
            identity=lambda values: self.at(values).identity,
            grids=axes,
            rules=WrittenRules(source.config),
            scores=len(source.config.metrics),
        )

    def at(self, values: Values) -> Point:
        """The point of a combination of values."""
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

    @property
    def most(self) -> int:
        """The largest number of points that the method asks for, if no two are equal."""
        return sum(
            self.source.config.method.asks(
                [
                    number_of_values(values_of_key(grid, keys[0]).plain())
                    for keys in crossed(grid, self.source)
                ]
            )
            for grid in self.plan.grids
        )

    def ends(self) -> list[Point]:
        """Points that together have every listed value and both ends of every range; if some keys
        are conditional, also points drawn at random.
        """
        drawn = self.space.draw(DRAWN_TO_CHECK) if self.source.config.when else []
        return [self.at(values) for values in [*self.space.ends(), *drawn]]

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
        written = values_of_key(self.plan.parameters, key)
        return Node(value, written.position, written.key_position)

    def _axis(self, grid: Node, keys: Sequence[str]) -> Axis:
        """The values of keys that change together: all are listed, or none is."""
        if number_of_values(values_of_key(grid, keys[0]).plain()) is None:
            return RangeAxis({key: _range(key, values_of_key(grid, key).plain()) for key in keys})
        columns = []
        for key in keys:
            listed, nodes = (
                self._listed.setdefault(key, []),
                value_nodes(key, values_of_key(grid, key)),
            )
            # A later grid continues the numbers of the choices.
            columns.append([Choice(n, node.plain()) for n, node in enumerate(nodes, len(listed))])
            listed += nodes
        return ListedAxis([dict(zip(keys, row, strict=True)) for row in zip(*columns, strict=True)])


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
