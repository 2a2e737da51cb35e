"""What the figures of a sweep are drawn from: its points, and the curves of its trials."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from mnistlab.figures import style
from mnistlab.store.metrics import MetricsRow
from mnistlab.support.metric_names import is_accuracy, metric_words


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
    """The rows of one trial's metrics.csv, and what it tried, in words."""

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
        return f"{metric_words(self.name)} ({'%' if self.is_share else 'mean per image'})"

    def written(self, drawn: float, digits: int = 2) -> str:
        """A value, as drawn, in words."""
        return f"{drawn:.{digits}f}" if self.is_share else f"{drawn:.4g}"


def write_title(figure: Figure, title: str) -> None:
    """The title at the figure's top left, shortened to its width."""
    heading = textwrap.shorten(title, int(8.2 * figure.get_figwidth()), placeholder=" …")
    top = 1 - 0.12 / figure.get_figheight()
    look: Any = {"size": style.LARGE, "weight": "bold", "va": "top"}
    # A name may hold a dollar sign, which is no mathematics.
    figure.text(0.012, top, heading, parse_math=False, **look)


def varied(points: Sequence[SweepPoint]) -> list[str]:
    """The parameters that have more than one value among the points."""
    keys = dict.fromkeys(key for point in points for key in point.parameters)
    return [key for key in keys if len({repr(p.parameters.get(key)) for p in points}) > 1]


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
