"""Which numbers can be worked with: of larger ones sums, squares and margins overflow."""

import math
from typing import TypeGuard

LARGEST = 1e100
SMALLEST = 1e-100  # besides zero


def on_scale(value: float | None) -> TypeGuard[float]:
    """Whether a figure was measured, and is one that means and figures can hold."""
    return value is not None and math.isfinite(value) and abs(value) <= LARGEST
