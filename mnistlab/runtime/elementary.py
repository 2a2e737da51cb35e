"""exp, tanh and fma as kernels call them.

exponential.py and vectors.py have what the compiler makes of them.
"""

from typing import Any

import numpy as np


def exp(x: Any) -> Any:
    """eˣ: 0 where that is below the smallest normal number, NaN of NaN."""
    return np.exp(x)


def tanh(x: Any) -> Any:
    """(eˣ − e⁻ˣ) / (eˣ + e⁻ˣ), NaN of NaN."""
    return np.tanh(x)


def fma(a: Any, b: Any, c: Any) -> Any:
    """a · b + c, of vectors or of numbers; never reassociated, but for numbers in a @kernel."""
    return a * b + c
