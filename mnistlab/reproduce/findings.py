"""The findings of a report: sentences with measured numbers.

A finding is a Jinja template, parsed by Jinja and evaluated here. It may have text, numbers, + - *
/, and the functions and filters below. So a report from a stranger executes no code, and the time
for a finding is limited by the length of its text.
"""

import operator
import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from jinja2 import Environment, TemplateSyntaxError, nodes

from mnistlab.reproduce.measured import METRICS, Row, find_row
from mnistlab.reproduce.tables import duration
from mnistlab.support.errors import UsageError
from mnistlab.support.stated import Stated
from mnistlab.support.text_format import (
    as_stated,
    duration_as_stated,
    exact,
    in_print,
    number,
    percent,
)

NOT_MEASURED = "(not measured)"
OPERATIONS: dict[type[nodes.BinExpr], Callable[[Any, Any], Any]] = {
    nodes.Add: operator.add,
    nodes.Sub: operator.sub,
    nodes.Mul: operator.mul,
    nodes.Div: operator.truediv,
}
# How each filter writes a measured number, and a stated one.
FILTERS: dict[str, tuple[Callable[[float], str], Callable[[float], str]]] = {
    "percent": (
        lambda value: in_print(percent(value)),
        lambda value: in_print(as_stated("accuracy", value)),
    ),
    "number": (number, exact),
    "duration": (duration, duration_as_stated),
    "points": (lambda value: f"{100 * value:.2f}", lambda value: exact(value, 100)),
}
Functions = Mapping[str, Callable[..., float | None]]
Parameters = Mapping[str, Any] | None


class FindingError(UsageError):
    """A finding uses a number that does not exist, or something that is not allowed."""


class MeasuredRows:
    """The measured numbers, by experiment."""

    def __init__(self, rows: Mapping[str, Sequence[Row]]) -> None:
        self._rows = rows

    def of_row(
        self,
        which: str,
        experiment: str,
        metric: str,
        parameters: Parameters = None,
        stage: str | None = None,
    ) -> float | None:
        """The attribute `which` of a row's metric; None if there is none."""
        found = self._row(experiment, parameters, stage).metrics[_known(metric, METRICS, "metric")]
        value: float | None = getattr(found, which)
        return value

    def best(self, experiment: str, metric: str) -> float | None:
        """The largest mean of any row."""
        name = _known(metric, METRICS, "metric")
        found = [row.metrics[name].mean for row in self._of(experiment)]
        return max((value for value in found if value is not None), default=None)

    def seconds_per_epoch(
        self, experiment: str, parameters: Parameters = None, stage: str | None = None
    ) -> float | None:
        """Seconds of training steps in an epoch."""
        return self._row(experiment, parameters, stage).seconds_per_epoch

    def _of(self, experiment: str) -> Sequence[Row]:
        return self._rows[_known(experiment, self._rows, "experiment")]

    def _row(self, experiment: str, parameters: Parameters, stage: str | None) -> Row:
        return find_row(self._of(experiment), parameters or {}, stage)


class PlannedPoints:
    """Like MeasuredRows, with a different stand-in number for each query, to check a finding before
    training. `points` come from `plan`, by experiment.
    """

    def __init__(self, points: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        self._points = points

    def of_row(
        self,
        which: str,
        experiment: str,
        metric: str,
        parameters: Parameters = None,
        stage: str | None = None,
    ) -> float | None:
        _known(metric, METRICS, "metric")
        self.find(experiment, parameters, stage)
        return _stand_in(which, experiment, metric, parameters, stage)

    def best(self, experiment: str, metric: str) -> float | None:
        _known(metric, METRICS, "metric")
        _known(experiment, self._points, "experiment")
        return _stand_in("best", experiment, metric)

    def seconds_per_epoch(
        self, experiment: str, parameters: Parameters = None, stage: str | None = None
    ) -> float | None:
        self.find(experiment, parameters, stage)
        return _stand_in("seconds", experiment, parameters, stage)

    def find(self, experiment: str, parameters: Parameters, stage: str | None) -> None:
        """Raise FindingError if no point can have these values (and this stage)."""
        wanted = dict(parameters or {})
        here = self._points[_known(experiment, self._points, "experiment")]
        if not any(_may_be(point, wanted, stage) for point in here):
            where = f" in stage {stage}" if stage else ""
            raise FindingError(f"no point of {experiment} has {wanted}{where}")


def _may_be(point: Mapping[str, Any], wanted: Mapping[str, Any], stage: str | None) -> bool:
    """Whether a planned point can have these values: values from another stage's winner are not
    known yet.
    """
    values = point["parameters"]
    return stage in (None, point.get("stage")) and all(
        values[key] == value if key in values else point.get("from") is not None
        for key, value in wanted.items()
    )


def _stand_in(*question: Any) -> float:
    """A number between 0 and 1, different for each query."""
    return (zlib.crc32(repr(question).encode()) + 1) / (2**32 + 1)


def _known(name: str, there: Any, what: str) -> str:
    if name not in there:
        raise FindingError(f"there is no {what} {name!r}; there are {', '.join(there)}")
    return name


def functions_of(source: MeasuredRows | PlannedPoints) -> Functions:
    """The functions that a finding can call.

    `measured` (the mean over seeds), `spread`, `lowest`, `highest` and `stated` take an experiment,
    a metric, and, to select a row, values by dotted path and a stage; `best` returns the largest
    mean of all rows.
    """

    def stated(*row: Any, **options: Any) -> float | None:
        value = source.of_row("stated", *row, **options)
        return None if value is None else Stated(value)

    return {
        "measured": partial(source.of_row, "mean"),
        "spread": partial(source.of_row, "std"),
        "lowest": partial(source.of_row, "lowest"),
        "highest": partial(source.of_row, "highest"),
        "stated": stated,
        "best": source.best,
        "seconds_per_epoch": source.seconds_per_epoch,
    }


def filled(template: str, functions: Functions) -> str:
    """A finding with its numbers. Raises FindingError if a number does not exist."""
    try:
        parsed = Environment().parse(template)
        text = "".join(_shown(_value(part, functions)) for part in _parts(parsed))
    except FindingError:
        raise
    except TemplateSyntaxError as error:
        raise FindingError(f"is not a template: {error.message}") from error
    except RecursionError as error:
        raise FindingError("is nested too deeply") from error
    except (ArithmeticError, TypeError, ValueError, UsageError) as error:
        raise FindingError(f"cannot be computed: {error}") from error
    return " ".join(text.split())


def _parts(parsed: nodes.Template) -> list[nodes.Expr]:
    """The pieces of text and the expressions, in their order."""
    found: list[nodes.Expr] = []
    for statement in parsed.body:
        if not isinstance(statement, nodes.Output):
            raise FindingError(f"{_what(statement)} is not allowed; a finding has no statements")
        found += statement.nodes
    return found


def _value(node: nodes.Node, functions: Functions) -> Any:
    match node:
        case nodes.TemplateData():
            return node.data
        case nodes.Const():
            return node.value
        case nodes.Neg():
            return _computed(operator.sub, 0, _value(node.node, functions))
        case nodes.List() | nodes.Tuple():
            return [_value(item, functions) for item in node.items]
        case nodes.Dict():
            pairs = [(_value(p.key, functions), _value(p.value, functions)) for p in node.items]
            return dict(pairs)
        case nodes.BinExpr() if type(node) in OPERATIONS:
            left, right = _value(node.left, functions), _value(node.right, functions)
            return _computed(OPERATIONS[type(node)], left, right)
        case nodes.Call(node=nodes.Name(name=name), dyn_args=None, dyn_kwargs=None):
            call = functions[_known(name, functions, "function")]
            arguments = [_value(one, functions) for one in node.args]
            return call(*arguments, **{k.key: _value(k.value, functions) for k in node.kwargs})
        case nodes.Filter(args=[], kwargs=[], dyn_args=None, dyn_kwargs=None) if node.node:
            measured, stated = FILTERS[_known(node.name, FILTERS, "filter")]
            value = _value(node.node, functions)
            show = stated if isinstance(value, Stated) else measured
            return NOT_MEASURED if value is None else show(_numeric(value))
        case _:
            raise FindingError(
                f"{_what(node)} is not allowed; a finding holds text, numbers, + - * /, the "
                f"functions {', '.join(functions)} and the filters {', '.join(FILTERS)}"
            )


def _computed(operation: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    """The result for two numbers; None if one of them was not measured."""
    if left is None or right is None:
        return None
    return operation(_numeric(left), _numeric(right))


def _numeric(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FindingError(f"{value!r} is not a number")
    return value


def _shown(value: Any) -> str:
    if value is None:
        return NOT_MEASURED
    return value if isinstance(value, str) else str(_numeric(value))


def _what(node: nodes.Node) -> str:
    """Jinja's name for a part of a template."""
    return f"{type(node).__name__} (in line {node.lineno})"
