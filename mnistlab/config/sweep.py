"""The configuration of a sweep: which values to try, and how to choose among them."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

from mnistlab.blocks.section import (
    Count,
    NonNegative,
    Positive,
    Real,
    Section,
    described,
    refuse,
)
from mnistlab.config.checks import refuse_conflicts
from mnistlab.config.conditions import checked_condition
from mnistlab.config.objectives import Metric, Metrics
from mnistlab.config.ranges import RANGES, checked_values
from mnistlab.config.run import Name, RunConfig
from mnistlab.config.sweep_checks import sweep_conflicts
from mnistlab.config.training import Reference
from mnistlab.search import Method
from mnistlab.search.grid import Grid
from mnistlab.search.pruners import Prune
from mnistlab.support.metric_names import COSTS


def _key(key: str) -> str:
    if not all(part.strip() for part in key.split(".")):
        refuse("a dotted path of the run configuration, such as optimizer.lr")
    return key


def _number_of_seeds(value: Any) -> Any:
    if isinstance(value, list) or (isinstance(value, str) and "," in value):
        refuse("the number of seeds, such as 3; the key seed takes the seeds themselves")
    return value


_NUMBERS = {"type": "array", "items": {"type": "number"}}
_ONE_RANGE = [
    {"type": "object", "properties": {kind: _NUMBERS}, "required": [kind]} for kind in RANGES
]
Values = Annotated[
    list[Any] | dict[str, Any],
    PlainValidator(checked_values),
    PlainSerializer(lambda values: values),
    WithJsonSchema({"anyOf": [{"type": "array", "minItems": 1}, *_ONE_RANGE]}),
]
Key = Annotated[str, AfterValidator(_key)]
Condition = Annotated[
    dict[
        Key,
        Annotated[Any, PlainValidator(checked_condition), WithJsonSchema({})],
    ],
    Field(min_length=1),
]
Parameters = dict[Key, Values]


class Plateau(Section):
    """When the best metric counts as at rest."""

    trials: Count = Field(description="The number of trials without a better metric.")
    min_delta: NonNegative = Field(
        default=0.0, description="By more than this a metric must be better to count."
    )


class Stop(Section):
    """The budget of a sweep: no trial begins after any of these. Trials in training finish."""

    minutes: Positive | None = Field(
        default=None, description="Minutes since the command began; resume has them again."
    )
    trials: Count | None = Field(default=None, description="The number of trials.")
    plateau: Plateau | None = Field(
        default=None, description="Stop when the best metric is at rest."
    )
    reached: Real | None = Field(
        default=None, description="Stop when a trial's metric is as good as this."
    )


class Stage(Section):
    """One stage of a sweep in stages: it chooses one combination of values."""

    name: Name = Field(description="The name that later stages and `refit` refer to.")
    source: str | None = Field(
        default=None,
        alias="from",
        description="The earlier stage whose winner this stage starts from. Default: the base.",
    )
    set: dict[Key, Any] = Field(
        default_factory=dict, description="Keys that are set in every trial of the stage."
    )
    parameters: Parameters = Field(description="The values to try in this stage, by dotted path.")


class StatedPoint(Reference):
    """The results that a paper or report states for one combination of values."""

    stage: str | None = Field(default=None, description="The stage of this combination, if any.")
    parameters: dict[str, Any] = Field(
        default_factory=dict, description="The combination of values, by dotted path."
    )


class _RunMapping:
    """A run configuration as written; it is validated only with the values of a trial."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.dict_schema(core_schema.str_schema(), core_schema.any_schema())

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return described(RunConfig, handler)


class SweepConfig(Section):
    """The configuration of a sweep: the run, the values to try, and how to choose the best."""

    name: Name = Field(
        default="sweep",
        description="Part of the sweep folder's name. Default: the run's name and -sweep.",
    )
    base: str | None = Field(
        default=None, description="The run configuration that is varied, relative to this file."
    )
    run: Annotated[dict[str, Any], _RunMapping()] | None = Field(
        default=None, description="The run configuration itself, instead of base."
    )
    method: Method = Field(
        default=Grid(),
        description="grid, or {type: random, trials: 20}, or {type: tpe, trials: 60}.",
    )
    parameters: Parameters | None = Field(
        default=None,
        description="The values to try, by dotted path: a list; {logspace: [low, high, count]}; "
        "{range: [start, stop, step]}, which includes stop if a step ends on it; or, for every "
        "method but grid, {uniform: [low, high]} or {loguniform: [low, high]}. Keys that take "
        "whole numbers get whole numbers.",
    )
    parallel: Annotated[int, Field(strict=True, ge=1, le=1000)] | None = Field(
        default=None,
        description="For a method that chooses points one by one, or with prune: the number of "
        "points in training at the same time. A point depends on the results of all points but the "
        "parallel - 1 before it; so with 1, on all. Default: the number of workers at the "
        "beginning, which is then recorded. The answer depends on this number, and on no "
        "timing.",
    )
    grids: Annotated[tuple[Parameters, ...], Field(min_length=1)] | None = Field(
        default=None,
        description="Instead of parameters, for method grid: several grids, each as parameters is. "
        "A point of two grids is trained once.",
    )
    when: dict[Key, Condition] = Field(
        default_factory=dict,
        description="Conditional parameters: {optimizer.momentum: {optimizer.type: sgd}} tries "
        "values of the momentum only with SGD. A condition names parameters above: a value, a list "
        "of values, or {above: number, below: number}.",
    )
    exclude: tuple[Condition, ...] = Field(
        default=(),
        description="Points that are left out: those for which all conditions of an item hold, "
        "such as {optimizer.type: adam, optimizer.lr: {above: 0.1}}.",
    )
    zip: tuple[tuple[str, ...], ...] = Field(
        default=(),
        description="Groups of keys whose values are paired in order instead of combined.",
    )
    seeds: Annotated[int, Field(strict=True, ge=1, le=1000), BeforeValidator(_number_of_seeds)] = (
        Field(
            default=1, description="Repeats of every combination, with the seeds seed, seed + 1, …"
        )
    )
    metrics: Metrics = Field(
        default=(Metric(),),
        alias="metric",
        json_schema_extra={"default": Metric().model_dump()},
        description="The metric that ranks the trials; or a list of several, whose Pareto front "
        "has rank 1: no other point is better in one of them and as good in all others.",
    )
    prune: Prune | None = Field(
        default=None,
        description="Stop trials that are worse than others after some epochs. They are `pruned`, "
        "keep their checkpoints, and are not ranked; `resume SWEEP --unprune TRIAL` continues one.",
    )
    stop: Stop | None = Field(
        default=None, description="A budget: no trial begins when one of its limits is reached."
    )
    stages: Annotated[tuple[Stage, ...], Field(min_length=1)] | None = Field(
        default=None,
        description="Instead of parameters: stages, each of which may start from the winner of an "
        "earlier one. No trial of a stage evaluates the test set.",
    )
    refit: tuple[str, ...] | None = Field(
        default=None,
        description="The stages whose winners are trained again on training and validation images "
        "together, then evaluated once on the test set.",
    )
    reference: tuple[StatedPoint, ...] | None = Field(
        default=None, description="Stated results, to compare with the measured ones."
    )

    @property
    def metric(self) -> Metric:
        """The metric; of several the first, which orders points of equal rank."""
        return self.metrics[0]

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The names of all metrics that rank the trials."""
        return tuple(one.name for one in self.metrics)

    @property
    def costs(self) -> tuple[str, ...]:
        """Those of the names that are costs of a trial."""
        return tuple(name for name in self.metric_names if name in COSTS)

    @property
    def one_by_one(self) -> bool:
        """Whether points begin one by one, `parallel` of them in training at the same time."""
        return self.method.one_by_one or self.prune is not None

    @model_validator(mode="after")
    def _keys_agree(self) -> Self:
        refuse_conflicts(sweep_conflicts(self))
        return self

    def blocks(self) -> Iterator[tuple[tuple[str | int, ...], Mapping[str, Any]]]:
        """Every group of parameters, with its path in the file."""
        if self.parameters is not None:
            yield ("parameters",), self.parameters
        for index, parameters in enumerate(self.grids or ()):
            yield ("grids", index), parameters
        for index, stage in enumerate(self.stages or ()):
            yield ("stages", index, "parameters"), stage.parameters
