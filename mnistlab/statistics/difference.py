"""The difference of a metric between two groups of runs, paired by seed where they share seeds."""

import math
from dataclasses import dataclass
from statistics import fmean

import numpy as np
import scipy

from mnistlab.statistics.hypothesis_tests import paired_t_test, welch, welch_t_test
from mnistlab.statistics.seeds import LEVEL, ROUNDING, Interval, Sample, t_interval


@dataclass(frozen=True)
class Difference:
    """A first group's mean minus a second's.

    `pairs` are the shared seeds of a paired comparison; none of an unpaired one, by Welch's test.
    Of fewer than two values on a side, `p_value`, `interval` and `effect_size` are None. Of values
    without spread the last two are, and `p_value` is a permutation test's. `effect_size` is the
    difference in standard deviations.
    """

    estimate: float
    pairs: tuple[int, ...]
    p_value: float | None
    interval: Interval | None
    effect_size: float | None

    @property
    def is_paired(self) -> bool:
        return bool(self.pairs)


def difference_of(first: Sample, second: Sample) -> Difference:
    """The difference of two groups of at least one value each: paired over the seeds that both
    have, if these are two or more and neither group has a seed twice.
    """
    pairs = shared_seeds(first, second)
    if pairs:
        return _paired(pairs, *paired_values(first, second, pairs))
    if min(len(first.values), len(second.values)) < 2:
        estimate = fmean(first.values) - fmean(second.values)
        return Difference(estimate, (), None, None, None)
    return _unpaired(np.array(first.values), np.array(second.values))


def shared_seeds(first: Sample, second: Sample) -> tuple[int, ...]:
    """The seeds to pair by; none if the groups cannot be paired."""
    if any(len(set(one.seeds)) < len(one.seeds) for one in (first, second)):
        return ()
    shared = tuple(sorted(set(first.seeds) & set(second.seeds)))
    return shared if len(shared) > 1 else ()


def paired_values(
    first: Sample, second: Sample, pairs: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """The values of both groups for these seeds, each (pairs,)."""
    by_seed = [dict(zip(one.seeds, one.values, strict=True)) for one in (first, second)]
    a, b = ([values[seed] for seed in pairs] for values in by_seed)
    return np.array(a), np.array(b)


def _paired(pairs: tuple[int, ...], first: np.ndarray, second: np.ndarray) -> Difference:
    differences = first - second
    estimate = float(differences.mean())
    if np.ptp(differences) <= ROUNDING * _scale(first, second):
        # Of n equal differences, only the two arrangements with one sign are as far from 0.
        p_value = 1.0 if _is_nothing(estimate, first, second) else 2.0 ** (1 - len(pairs))
        return Difference(estimate, pairs, p_value, None, None)
    low, high = t_interval(differences)
    return Difference(
        estimate,
        pairs,
        float(paired_t_test(differences)),
        Interval(float(low), float(high)),
        estimate / float(differences.std(ddof=1)),
    )


def _unpaired(first: np.ndarray, second: np.ndarray) -> Difference:
    estimate = float(first.mean() - second.mean())
    if max(np.ptp(first), np.ptp(second)) <= ROUNDING * _scale(first, second):
        # Only two of the ways to deal the values to the groups keep equal values together.
        dealt = math.comb(len(first) + len(second), len(first))
        ends = 2 if len(first) == len(second) else 1
        p_value = 1.0 if _is_nothing(estimate, first, second) else ends / dealt
        return Difference(estimate, (), p_value, None, None)
    error, freedom = welch(first, second)
    half = float(scipy.special.stdtrit(freedom, (1 + LEVEL) / 2) * error)
    return Difference(
        estimate,
        (),
        float(welch_t_test(first, second)),
        Interval(estimate - half, estimate + half),
        hedges_g(first, second),
    )


def _scale(first: np.ndarray, second: np.ndarray) -> float:
    return float(max(np.abs(first).max(), np.abs(second).max()))


def _is_nothing(estimate: float, first: np.ndarray, second: np.ndarray) -> bool:
    return abs(estimate) <= ROUNDING * _scale(first, second)


def hedges_g(first: np.ndarray, second: np.ndarray) -> float:
    """The difference of means in pooled standard deviations, corrected for small samples.

    Source: Hedges, Journal of Educational Statistics 6 (1981).
    """
    n, m = len(first), len(second)
    freedom = n + m - 2
    pooled = ((n - 1) * first.var(ddof=1) + (m - 1) * second.var(ddof=1)) / freedom
    correction = 1 - 3 / (4 * freedom - 1)
    return float((first.mean() - second.mean()) / math.sqrt(pooled) * correction)


def probability_of_improvement(
    first: np.ndarray, second: np.ndarray, *, larger_is_better: bool
) -> float:
    """The chance that a run of the first group (n,) is better than one of the second (m,), over all
    pairs of runs; a tie counts half.

    Source: Agarwal et al., NeurIPS 2021, arXiv:2108.13264.
    """
    ahead = first[:, None] - second[None, :]
    if not larger_is_better:
        ahead = -ahead
    return float((ahead > 0).mean() + 0.5 * (ahead == 0).mean())
