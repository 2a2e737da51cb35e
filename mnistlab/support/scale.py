"""The range of usable numbers: for larger ones sums, squares and margins overflow."""

import math
from collections.abc import Sequence
from statistics import fmean, stdev
from typing import TypeGuard

LARGEST = 1e100
SMALLEST = 1e-100  # apart from zero


def on_scale(value: float | None) -> TypeGuard[float]:
    """Whether a number was measured, and is in the range that means and figures can handle."""
    return value is not None and math.isfinite(value) and abs(value) <= LARGEST


def mean_and_spread(values: Sequence[float]) -> tuple[float | None, float | None]:
    """The mean, and the sample standard deviation, which needs two values; else None."""
    return fmean(values) if values else None, stdev(values) if len(values) > 1 else None
