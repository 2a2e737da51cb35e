"""The points of a sweep and the curves of its trials, from which its figures are drawn."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mnistlab.config.dump import value_as_yaml
from mnistlab.store.metrics import MetricsRow
from mnistlab.support.errors import LackingError
from mnistlab.support.metric_names import COSTS, PARAMETERS, SECONDS, is_accuracy, metric_words
from mnistlab.support.text_format import counted, in_print, metric, short_keys

COLOURS = "cividis"
REACH = 5.0  # times the median distance from the best point; farther points are far behind


@dataclass(frozen=True)
class SweepPoint:
    """One point of a sweep.

    `values` are its metric, one for each seed that finished. `complete` is False if a seed
    diverged, failed or has not run yet. `stated` is the value that a report states for it. `tied`:
    it cannot be told from the best point. `others` are the means of the sweep's other metrics.
    """

    parameters: Mapping[str, Any]
    values: tuple[float, ...]
    complete: bool = True
    stated: float | None = None
    tied: bool = False
    others: tuple[float, ...] = ()

    @property
    def mean(self) -> float:
        """The mean over seeds; NaN if none finished."""
        return float(np.mean(self.values)) if self.values else math.nan

    @property
    def std(self) -> float:
        """The sample standard deviation over seeds; NaN if there are fewer than two."""
        return float(np.std(self.values, ddof=1)) if len(self.values) > 1 else math.nan


@dataclass(frozen=True)
class LearningCurve:
    """The rows of one trial's metrics.csv, and its point in words, which all its seeds share."""

    label: str
    rows: Sequence[MetricsRow]
    diverged: bool = False


@dataclass(frozen=True)
class SweepMetric:
    """The metric by which points are ranked, as an axis shows it."""

    name: str
    maximize: bool

    @property
    def is_share(self) -> bool:
        return is_accuracy(self.name)

    @property
    def factor(self) -> float:
        """The factor by which a value is multiplied to be drawn: accuracies are in per cent."""
        return 100.0 if self.is_share else 1.0

    @property
    def label(self) -> str:
        return self.words if self.unit is None else f"{self.words} ({self.unit})"

    @property
    def unit(self) -> str | None:
        """What its values are measured in; None of a count."""
        if self.name in COSTS:
            return {SECONDS: "s", PARAMETERS: None}[self.name]
        return "%" if self.is_share else "mean per image"

    @property
    def words(self) -> str:
        """The metric in words: `validation accuracy`."""
        return metric_words(self.name)

    def written(self, value: float, std: float = math.nan) -> str:
        """A value as it was measured, with its standard deviation unless that is NaN."""
        return in_print(metric(self.name, value, std if math.isfinite(std) else None))


def varied(points: Sequence[SweepPoint]) -> list[str]:
    """The parameters that have more than one value among the points."""
    keys = dict.fromkeys(key for point in points for key in point.parameters)
    return [key for key in keys if len({repr(p.parameters.get(key)) for p in points}) > 1]


def told_values(parameters: Mapping[str, Any], keys: Iterable[str]) -> list[str]:
    """The values of those keys that a point or a trial has, by short names: `lr 0.1`."""
    return [
        f"{name} {value_as_yaml(parameters[key])}"
        for key, name in short_keys(keys).items()
        if key in parameters
    ]


def finished(points: Sequence[SweepPoint], least: int = 1) -> list[SweepPoint]:
    """The points whose trials have all finished with a finite metric; raises LackingError if they
    are fewer than `least`.
    """
    found = [point for point in points if point.complete and math.isfinite(point.mean)]
    if len(found) < least:
        raise LackingError(f"needs {counted(least, 'finished point')}")
    return found


def colour_limits(values: np.ndarray, metric: SweepMetric) -> tuple[tuple[float, float], str]:
    """The limits of a colour scale of values, (points,), and the end at which some exceed it: those
    of points that are far worse than the best.
    """
    near = values[near_the_best(values, metric)]
    low, high = float(near.min()), float(near.max())
    beyond = bool((values < low).any() or (values > high).any())
    if low == high:
        low, high = low - 0.5, high + 0.5
    return (low, high), ("min" if metric.maximize else "max") * beyond or "neither"


def colours(metric: SweepMetric) -> str:
    """The colours of a metric: the light end is the better one."""
    return COLOURS if metric.maximize else f"{COLOURS}_r"


def near_the_best(values: np.ndarray, metric: SweepMetric) -> np.ndarray:
    """Which values, (points,), are not far behind the best one, bool: those at most REACH times as
    far from it as the median value. Otherwise one failed point would squeeze all others together.
    """
    behind = np.abs(values - (values.max() if metric.maximize else values.min()))
    middle = float(np.median(behind))
    return behind <= REACH * middle if middle > 0 else np.ones(len(values), bool)


def outside(far: int, noun: str, metric: SweepMetric) -> str:
    """The sentence of a caption that counts what lies beyond the range of an axis, or nothing."""
    if not far:
        return ""
    lie = "lies" if far == 1 else "lie"
    return f" {counted(far, noun)} far behind in {metric.words} {lie} outside."


def ordered(values: Sequence[Any]) -> list[Any]:
    """Each value once: numbers by size, lists of numbers by length, all others by name."""
    distinct = list({value_as_yaml(value): value for value in values}.values())
    if is_numeric(distinct):
        return sorted(distinct)
    if all(isinstance(value, list) and is_numeric(value) for value in distinct):
        return sorted(distinct, key=lambda value: (len(value), value))
    return sorted(distinct, key=value_as_yaml)


def is_numeric(values: Sequence[Any]) -> bool:
    """Whether all values are finite numbers."""
    return all(
        isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        for value in values
    )


def wants_log_axis(values: Sequence[float]) -> bool:
    """Whether values suit a log axis: none is negative, and the positive ones are far apart."""
    positive = [value for value in values if value > 0]
    return min(values) >= 0 and len(set(positive)) > 1 and max(positive) >= 9.99 * min(positive)
