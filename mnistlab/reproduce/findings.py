"""The findings of a report: sentences with measured numbers in them, as Jinja templates."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from mnistlab.errors import ConfigError
from mnistlab.reproduce.measured import METRICS, Row, find_row
from mnistlab.reproduce.tables import duration
from mnistlab.wording import as_stated, duration_as_stated, exact, number, percent

NOT_MEASURED = "(not measured)"


class Findings:
    """Fills in templates from the rows of every experiment.

    `measured` (the mean over seeds), `spread`, `lowest`, `highest` and `stated` take an experiment,
    a metric, and, to choose a row, values by dotted path and a stage; `best` takes the largest mean
    that any row has.
    """

    def __init__(self, rows: Mapping[str, Sequence[Row]]) -> None:
        self._rows = rows
        self._environment = SandboxedEnvironment(undefined=StrictUndefined)
        self._environment.globals |= {
            "measured": partial(self._of_row, "mean"),
            "spread": partial(self._of_row, "std"),
            "lowest": partial(self._of_row, "lowest"),
            "highest": partial(self._of_row, "highest"),
            "stated": self._stated,
            "best": self.best,
            "seconds_per_epoch": self.seconds_per_epoch,
        }
        self._environment.filters |= {
            "percent": _or_not(percent, lambda value: as_stated("accuracy", value)),
            "number": _or_not(number, exact),
            "duration": _or_not(duration, duration_as_stated),
            "points": _or_not(lambda value: f"{100 * value:.2f}", lambda value: exact(value, 100)),
        }

    def filled(self, template: str, where: str) -> str:
        """A template with its numbers. Raises ConfigError where it asks for what is not there."""
        try:
            return " ".join(self._environment.from_string(template).render().split())
        except TemplateError as error:
            raise ConfigError(f"{where}: finding: {error}") from error

    def _of_row(
        self,
        which: str,
        experiment: str,
        metric: str,
        parameters: Mapping[str, Any] | None = None,
        stage: str | None = None,
    ) -> float | None:
        """The attribute `which` of what a row has of a metric; None where there is none."""
        found = self._row(experiment, parameters, stage).metrics[_known(metric)]
        value: float | None = getattr(found, which)
        return value

    def _stated(self, *row: Any, **options: Any) -> float | None:
        value = self._of_row("stated", *row, **options)
        return None if value is None else _Stated(value)

    def best(self, experiment: str, metric: str) -> float | None:
        """The largest mean of any row."""
        found = [row.metrics[_known(metric)].mean for row in self._of(experiment)]
        return max((value for value in found if value is not None), default=None)

    def seconds_per_epoch(
        self,
        experiment: str,
        parameters: Mapping[str, Any] | None = None,
        stage: str | None = None,
    ) -> float | None:
        """Seconds of training steps in an epoch."""
        return self._row(experiment, parameters, stage).seconds_per_epoch

    def _of(self, experiment: str) -> Sequence[Row]:
        if experiment not in self._rows:
            raise TemplateError(f"there is no experiment {experiment!r}")
        return self._rows[experiment]

    def _row(self, experiment: str, parameters: Mapping[str, Any] | None, stage: str | None) -> Row:
        return find_row(self._of(experiment), parameters or {}, stage)


def _known(metric: str) -> str:
    if metric not in METRICS:
        raise TemplateError(f"{metric!r} is no metric; there are {', '.join(METRICS)}")
    return metric


class _Stated(float):
    """A figure that stands as it was stated, whatever filter writes it."""


def _or_not(written: Any, as_it_was_stated: Any) -> Any:
    def filled(value: float | None) -> str:
        if value is None:
            return NOT_MEASURED
        text: str = as_it_was_stated(value) if isinstance(value, _Stated) else written(value)
        return text

    return filled
