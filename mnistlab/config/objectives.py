"""The metrics that rank the trials of a sweep."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    Field,
    GetJsonSchemaHandler,
    model_validator,
)
from pydantic_core import CoreSchema

from mnistlab.blocks.section import OneOrList, Section
from mnistlab.support.metric_names import COSTS, DEFAULT_METRIC, RankingName

Goal = Literal["maximize", "minimize"]


def default_goal(name: str) -> Goal:
    """The goal of a metric: losses and costs are minimized."""
    return "minimize" if name.endswith("loss") or name in COSTS else "maximize"


class Metric(Section):
    """A metric that ranks the trials. Its name alone stands for the mapping."""

    name: RankingName = Field(
        default=DEFAULT_METRIC,
        description="The metric of a trial's last row; with early stopping, of its best row. After "
        "another metric, also the seconds of training, or the network's number of parameters.",
    )
    goal: Goal = Field(
        default="maximize",
        description="Default: maximize for accuracies, minimize for all others.",
    )

    @model_validator(mode="before")
    @classmethod
    def _goal_by_name(cls, values: Any) -> Any:
        if isinstance(values, str):
            values = {"name": values}
        if isinstance(values, Mapping) and "goal" not in values:
            return {**values, "goal": default_goal(str(values.get("name", "")))}
        return values

    @property
    def larger_is_better(self) -> bool:
        """Whether `goal` is to maximize."""
        return {"maximize": True, "minimize": False}[self.goal]

    def score(self, value: float) -> float:
        """A value of the metric as a score: the higher, the better."""
        return value if self.larger_is_better else -value


class _OrName:
    """Annotation of a metric: the JSON Schema has its bare name, too."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"anyOf": [{"enum": list(get_args(RankingName))}, handler(schema)]}


Metrics = Annotated[tuple[Annotated[Metric, _OrName()], ...], Field(min_length=1), OneOrList()]
