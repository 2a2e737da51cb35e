"""The values of the learning curves, and what they say in words."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mnistlab.figures import style
from mnistlab.store.metrics import MetricsRow


@dataclass(frozen=True)
class Quantity:
    """What one panel shows."""

    key: str
    axis_label: str
    factor: float
    best: Any  # np.argmin or np.argmax

    def written(self, value: float) -> str:
        """A value, as drawn, in words."""
        return f"{value:.2f} %" if self.key == "accuracy" else f"{value:#.4g}".rstrip(".")


LOSS = Quantity("loss", "loss (mean per image)", 1.0, np.argmin)
ACCURACY = Quantity("accuracy", "accuracy (%)", 100.0, np.argmax)


def values_of(rows: Sequence[MetricsRow], name: str, factor: float = 1.0) -> np.ndarray:
    """One column, shape (rows,), NaN where it was not measured or is not finite."""
    column = np.array([getattr(row, name) for row in rows], dtype=float) * factor
    column[~np.isfinite(column)] = np.nan
    return column


def curves_of(rows: Sequence[MetricsRow], quantity: Quantity) -> dict[str, np.ndarray]:
    """The values to draw of each split that has any."""
    columns = {
        split: values_of(rows, f"{split}_{quantity.key}", quantity.factor)
        for split in style.SPLIT_NAMES
    }
    return {split: column for split, column in columns.items() if np.isfinite(column).any()}


def first_not_finite(x: np.ndarray, rows: Sequence[MetricsRow]) -> float | None:
    """The first x at which a measured loss or accuracy was not finite."""
    for at, row in zip(x, rows, strict=True):
        found = [getattr(row, f"{s}_{q.key}") for s in style.SPLIT_NAMES for q in (LOSS, ACCURACY)]
        if any(value is not None and not math.isfinite(value) for value in found):
            return float(at)
    return None


def in_words(
    x: np.ndarray, rows: Sequence[MetricsRow], quantities: Sequence[Quantity], unit: str
) -> str:
    """The curves in words: where each begins, is best, and ends."""
    told = []
    for quantity in quantities:
        for split, y in curves_of(rows, quantity).items():
            shown = np.flatnonzero(np.isfinite(y))
            best = shown[quantity.best(y[shown])]
            what = f"{style.SPLIT_NAMES[split]} {quantity.key}"
            told.append(
                f"{what} goes from {quantity.written(y[shown[0]])} to "
                f"{quantity.written(y[shown[-1]])}, best {quantity.written(y[best])} at {unit} "
                f"{x[best]:,.0f}"
                if len(shown) > 1
                else f"{what} is {quantity.written(y[shown[0]])}"
            )
    text = "; ".join(told)
    return f"{text[0].upper()}{text[1:]}."
