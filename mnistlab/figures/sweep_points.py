"""What the figures of a sweep are drawn from: its points, and the curves of its trials."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mnistlab.config.dump import value_as_yaml
from mnistlab.store.metrics import MetricsRow
from mnistlab.support.metric_names import is_accuracy, metric_words
from mnistlab.support.text_format import in_print, metric

REACH = 5.0  # times the median distance from the best point: what is farther is far behind


@dataclass(frozen=True)
class SweepPoint:
    """One point of a sweep.

    `values` are its metric, one for each seed that finished; `complete` is False where a seed
    diverged, failed or is still to come. `stated` is what a report states for it.
    """

    parameters: Mapping[str, Any]
    values: tuple[float, ...]
    complete: bool = True
    stated: float | None = None

    @property
    def mean(self) -> float:
        """The mean over seeds; NaN where none finished."""
        return float(np.mean(self.values)) if self.values else math.nan

    @property
    def std(self) -> float:
        """The sample standard deviation over seeds; NaN of fewer than two."""
        return float(np.std(self.values, ddof=1)) if len(self.values) > 1 else math.nan


@dataclass(frozen=True)
class LearningCurve:
    """The rows of one trial's metrics.csv, and its point in words, which its other seeds share."""

    label: str
    rows: Sequence[MetricsRow]
    diverged: bool = False


@dataclass(frozen=True)
class SweepMetric:
    """What points are judged by, as an axis shows it."""

    name: str
    maximize: bool

    @property
    def is_share(self) -> bool:
        return is_accuracy(self.name)

    @property
    def factor(self) -> float:
        """What a value is multiplied by to be drawn: accuracies are in per cent."""
        return 100.0 if self.is_share else 1.0

    @property
    def label(self) -> str:
        return f"{self.words} ({'%' if self.is_share else 'mean per image'})"

    @property
    def words(self) -> str:
        """`validation accuracy`."""
        return metric_words(self.name)

    def written(self, value: float, std: float = math.nan) -> str:
        """A value as it was measured, with its standard deviation unless that is NaN."""
        return in_print(metric(self.name, value, std if math.isfinite(std) else None))


def varied(points: Sequence[SweepPoint]) -> list[str]:
    """The parameters that have more than one value among the points."""
    keys = dict.fromkeys(key for point in points for key in point.parameters)
    return [key for key in keys if len({repr(p.parameters.get(key)) for p in points}) > 1]


def near_the_best(values: np.ndarray, metric: SweepMetric) -> np.ndarray:
    """Which values, (points,), are not far behind the best one, bool: those at most REACH times as
    far from it as the median value. One failed point would else press all others together.
    """
    behind = np.abs(values - (values.max() if metric.maximize else values.min()))
    middle = float(np.median(behind))
    return behind <= REACH * middle if middle > 0 else np.ones(len(values), bool)


def ordered(values: Sequence[Any]) -> list[Any]:
    """Each value once: numbers by their size, lists of numbers by their length, else by name."""
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
    """Whether values lie on a log axis better: none negative, the positive ones far apart."""
    positive = [value for value in values if value > 0]
    return min(values) >= 0 and len(set(positive)) > 1 and max(positive) >= 9.99 * min(positive)
