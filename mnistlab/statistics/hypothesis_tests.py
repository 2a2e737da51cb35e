"""Tests of the hypothesis that there is no difference; each returns two-sided p-values."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from mnistlab.statistics.seeds import LEVEL, RESAMPLES, Interval


@dataclass(frozen=True)
class McNemar:
    """Two networks on the same images. `only_first` images are correct by the first alone,
    `only_second` by the second alone; `difference` is the first's accuracy minus the second's.
    """

    only_first: int
    only_second: int
    difference: float
    interval: Interval
    p_value: float


def paired_t_test(differences: np.ndarray) -> np.ndarray:
    """p-values of Student's t-test on `differences` (..., n), whose spread is not zero; n at least
    2. Returns (...,).
    """
    n = differences.shape[-1]
    error = differences.std(axis=-1, ddof=1) / np.sqrt(n)
    return 2 * scipy.special.stdtr(n - 1, -np.abs(differences.mean(axis=-1) / error))


def welch(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Standard error and degrees of freedom of the difference of two means, for unequal variances.

    `first` (..., n), `second` (..., m), n and m at least 2; one spread at least is not zero.
    Returns (...,) each. Source: Welch, Biometrika 34 (1947).
    """
    a = first.var(axis=-1, ddof=1) / first.shape[-1]
    b = second.var(axis=-1, ddof=1) / second.shape[-1]
    freedom = (a + b) ** 2 / (a**2 / (first.shape[-1] - 1) + b**2 / (second.shape[-1] - 1))
    return np.sqrt(a + b), freedom


def welch_t_test(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """p-values of Welch's t-test; shapes as in `welch`."""
    error, freedom = welch(first, second)
    return 2 * scipy.special.stdtr(
        freedom, -np.abs((first.mean(axis=-1) - second.mean(axis=-1)) / error)
    )


def sign_flip_test(differences: np.ndarray) -> float:
    """p-value of the mean of paired `differences` (n,) among those with any of the signs flipped:
    exact for up to 13 differences, else from 9,999 draws, always the same ones.

    Source: Fisher, The Design of Experiments (1935), section 21.
    """
    from scipy.stats import permutation_test

    return float(
        permutation_test(
            (differences,),
            np.mean,
            permutation_type="samples",
            n_resamples=RESAMPLES,
            vectorized=True,
            rng=np.random.default_rng(0),
        ).pvalue
    )


def mcnemar(first: np.ndarray, second: np.ndarray) -> McNemar:
    """Compares two networks on the same images: `first`, `second` (images,) bool, whether each
    image is classified correctly. The p-value is exact; the interval is Agresti and Min's.

    Sources: McNemar, Psychometrika 12 (1947); Agresti and Min, Statistics in Medicine 24 (2005).
    """
    if first.shape != second.shape or not len(first):
        raise ValueError(f"expected the same images, found {first.shape} and {second.shape}")
    b, c, images = int((first & ~second).sum()), int((second & ~first).sum()), len(first)
    p_value = min(1.0, 2 * float(scipy.special.bdtr(min(b, c), b + c, 0.5)))
    centre = (b - c) / (images + 2)
    variance = (b + c + 1 - (b - c) ** 2 / (images + 2)) / (images + 2) ** 2
    half = float(scipy.special.ndtri((1 + LEVEL) / 2)) * variance**0.5
    interval = Interval(max(-1.0, centre - half), min(1.0, centre + half))
    return McNemar(b, c, (b - c) / images, interval, p_value)


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values, in their order, corrected for their number.

    Below alpha are those that Holm's step-down procedure rejects: the chance that any of them is a
    false alarm is at most alpha. Source: Holm, Scandinavian Journal of Statistics 6 (1979).
    """
    corrected = [1.0] * len(p_values)
    largest = 0.0
    for place, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, (len(p_values) - place) * p_values[index]))
        corrected[index] = largest
    return corrected
