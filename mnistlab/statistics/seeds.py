"""A metric over seeds: mean, standard deviation, and the interval of the mean."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy  # its `special` loads at its first use: that takes as long as numpy

LEVEL = 0.95  # of every interval
ALPHA = 1 - LEVEL
FEWEST_FOR_BOOTSTRAP = 5
RESAMPLES = 9_999
# A spread below this share of the values is rounding: 0.91 - 0.9 is not 0.9 - 0.89 in binary.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Interval:
    """An interval of LEVEL confidence."""

    low: float
    high: float


@dataclass(frozen=True)
class Sample:
    """A metric of several runs, and the seed of each."""

    values: tuple[float, ...]
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Summary:
    """A metric over seeds. `std`, of a sample, and `interval`, Student's, need two values;
    `bootstrap`, BCa, needs five that are not all equal. None otherwise.
    """

    count: int
    mean: float
    std: float | None
    interval: Interval | None
    bootstrap: Interval | None


def summary_of(
    values: Sequence[float], *, is_share: bool = False, bootstrap: bool = False
) -> Summary:
    """Mean, spread and intervals of at least one value; the bootstrap only if asked for. The
    interval of a share of 1 ends at 0 and 1, where its mean must lie.
    """
    sample = np.asarray(values, dtype=np.float64)
    mean = float(sample.mean())
    if len(sample) < 2:
        return Summary(len(sample), mean, None, None, None)
    low, high = map(float, t_interval(sample))
    if is_share:
        low, high = max(low, 0.0), min(high, 1.0)
    has_spread = float(np.ptp(sample)) > ROUNDING * float(np.abs(sample).max())
    resampled = bootstrap and has_spread and len(sample) >= FEWEST_FOR_BOOTSTRAP
    return Summary(
        count=len(sample),
        mean=mean,
        std=float(sample.std(ddof=1)),
        interval=Interval(low, high),
        bootstrap=bootstrap_interval(sample) if resampled else None,
    )


def t_interval(values: np.ndarray, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray]:
    """The ends of Student's interval of the mean, `mean ± t s / sqrt(n)`.

    `values` (..., n), n at least 2; the ends are (...,). Source: Student, Biometrika 6 (1908).
    """
    n = values.shape[-1]
    mean = values.mean(axis=-1)
    half = scipy.special.stdtrit(n - 1, (1 + level) / 2) * values.std(axis=-1, ddof=1) / np.sqrt(n)
    return mean - half, mean + half


def bootstrap_interval(values: np.ndarray, level: float = LEVEL) -> Interval:
    """The BCa bootstrap interval of the mean: always the same for the same values (n,).

    Source: Efron, Journal of the American Statistical Association 82 (1987).
    """
    from scipy.stats import bootstrap

    found = bootstrap(
        (values,),
        np.mean,
        n_resamples=RESAMPLES,
        confidence_level=level,
        method="BCa",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return Interval(float(found.low), float(found.high))
