"""The configuration of a sweep: which values to try, and how to choose among them."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

from mnistlab.blocks.section import Section, refuse
from mnistlab.config.checks import refuse_conflicts
from mnistlab.config.ranges import RANGES, checked_values
from mnistlab.config.run import Name, RunConfig
from mnistlab.config.sweep_checks import sweep_conflicts
from mnistlab.config.training import Reference
from mnistlab.search import Method
from mnistlab.search.grid import Grid
from mnistlab.support.metric_names import DEFAULT_METRIC, MetricName


def _key(key: str) -> str:
    if not all(part.strip() for part in key.split(".")):
        refuse("a dotted path of the run configuration, such as optimizer.lr")
    return key


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
Parameters = dict[Key, Values]


class Metric(Section):
    """What a trial is judged by."""

    name: MetricName = Field(
        default=DEFAULT_METRIC,
        description="The metric of a trial's last row; of its best with early stopping.",
    )
    goal: Literal["maximize", "minimize"] = Field(
        default="maximize",
        description="maximize for accuracies, minimize for losses, when not given.",
    )

    @model_validator(mode="before")
    @classmethod
    def _goal_by_name(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and "goal" not in values:
            loss = str(values.get("name", "")).endswith("loss")
            return {**values, "goal": "minimize" if loss else "maximize"}
        return values

    @property
    def larger_is_better(self) -> bool:
        """Which way `goal` looks."""
        return {"maximize": True, "minimize": False}[self.goal]


class Stage(Section):
    """One choice of a selection in stages."""

    name: Name = Field(description="What later stages and `refit` call it.")
    source: str | None = Field(
        default=None,
        alias="from",
        description="The earlier stage from whose winner it goes on; the base when not given.",
    )
    set: dict[Key, Any] = Field(
        default_factory=dict, description="Values that hold for the whole stage."
    )
    parameters: Parameters = Field(description="The values tried in this stage, by dotted path.")


class StatedPoint(Reference):
    """What a paper or report states for one combination of values."""

    stage: str | None = Field(default=None, description="The stage it belongs to, if any.")
    parameters: dict[str, Any] = Field(
        default_factory=dict, description="The values it is stated for, by dotted path."
    )


class _RunMapping:
    """A run configuration as it is written: it is judged only with a trial's values in it."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.dict_schema(core_schema.str_schema(), core_schema.any_schema())

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return handler(RunConfig.__pydantic_core_schema__)


class SweepConfig(Section):
    """A sweep: the run that is varied, the values tried, and how the best are found."""

    name: Name = Field(
        default="sweep",
        description="Part of the sweep folder's name (the run's name and -sweep when not given).",
    )
    base: str | None = Field(
        default=None, description="The run configuration that is varied, relative to this file."
    )
    run: Annotated[dict[str, Any], _RunMapping()] | None = Field(
        default=None, description="Instead of base: a whole run configuration."
    )
    method: Method = Field(default=Grid(), description="grid, or {type: random, trials: 20}.")
    parameters: Parameters | None = Field(
        default=None,
        description="The values to try, by dotted path: a list; {logspace: [low, high, count]}; "
        "{range: [start, stop, step]}, with stop where a step ends on it; or, at random, "
        "{uniform: [low, high]} or {loguniform: [low, high]}. A key of whole numbers gets whole "
        "numbers.",
    )
    zip: tuple[tuple[str, ...], ...] = Field(
        default=(),
        description="Groups of keys whose values go together in their order, not crossed.",
    )
    seeds: Annotated[int, Field(strict=True, ge=1, le=1000)] = Field(
        default=1, description="Repeats of every combination, with seeds seed, seed + 1, …"
    )
    metric: Metric = Field(default=Metric(), description="What a trial is judged by.")
    stages: Annotated[tuple[Stage, ...], Field(min_length=1)] | None = Field(
        default=None,
        description="Instead of parameters: choices that build on each other. No trial of a stage "
        "looks at the test set.",
    )
    refit: tuple[str, ...] | None = Field(
        default=None,
        description="The stages whose winners are then trained on training and validation images "
        "together, and tested once.",
    )
    reference: tuple[StatedPoint, ...] | None = Field(
        default=None, description="A table of stated values, to stand beside the measured ones."
    )

    @model_validator(mode="after")
    def _keys_agree(self) -> Self:
        refuse_conflicts(sweep_conflicts(self))
        return self

    def blocks(self) -> Iterator[tuple[tuple[str | int, ...], Mapping[str, Any]]]:
        """Every group of parameters, with its path in the file."""
        if self.parameters is not None:
            yield ("parameters",), self.parameters
        for index, stage in enumerate(self.stages or ()):
            yield ("stages", index, "parameters"), stage.parameters
