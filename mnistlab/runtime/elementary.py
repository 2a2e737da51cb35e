"""exp, tanh and fma for kernels.

exponential.py and vectors.py have the compiled versions.
"""

from typing import Any

import numpy as np


def exp(x: Any) -> Any:
    """eˣ; 0 if that is below the smallest normal number, NaN for NaN."""
    return np.exp(x)


def tanh(x: Any) -> Any:
    """(eˣ − e⁻ˣ) / (eˣ + e⁻ˣ), NaN for NaN."""
    return np.tanh(x)


def fma(a: Any, b: Any, c: Any) -> Any:
    """a · b + c, of vectors or of numbers; never reassociated, except for numbers in a @kernel."""
    return a * b + c
