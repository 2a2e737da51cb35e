"""exp, tanh and other functions of one number, and fma, for kernels.

exponential.py and vectors.py have the compiled versions.
"""

import math
from typing import Any

import numpy as np


def exp(x: Any) -> Any:
    """eˣ; 0 if that is below the smallest normal number, NaN for NaN."""
    return np.exp(x)


def tanh(x: Any) -> Any:
    """(eˣ − e⁻ˣ) / (eˣ + e⁻ˣ), NaN for NaN."""
    return np.tanh(x)


def log1p(x: Any) -> Any:
    """log(1 + x), only for 0 ≤ x ≤ 1; NaN for NaN."""
    return np.log1p(x)


def normal_tail(x: Any) -> Any:
    """The probability that a standard normal number is above x, only for x ≥ 0; NaN for NaN."""
    return type(x)(0.5 * math.erfc(x * math.sqrt(0.5)))


def fma(a: Any, b: Any, c: Any) -> Any:
    """a · b + c, of vectors or of numbers; never reassociated, except for numbers in a @kernel."""
    return a * b + c
