"""Intervals cover the truth, and tests raise false alarms, as often as they promise."""

import numpy as np
import pytest
from scipy import stats

from mnistlab.statistics.hypothesis_tests import (
    holm,
    mcnemar,
    paired_t_test,
    sign_flip_test,
    welch_t_test,
)
from mnistlab.statistics.power import power_of
from mnistlab.statistics.seeds import bootstrap_interval, t_interval

COMPARISONS = 2_000
SEEDS = (3, 5, 10)


def is_share(count, share, of=COMPARISONS):
    """Whether a count is in the range that holds 99.9 % of the counts of a share."""
    low, high = stats.binom.interval(0.999, of, share)
    return low <= count <= high


@pytest.mark.parametrize("seeds", SEEDS)
def test_the_95_percent_interval_covers_the_mean_in_95_percent(seeds):
    values = np.random.default_rng(seeds).normal(0.98, 0.002, (COMPARISONS, seeds))
    low, high = t_interval(values)
    assert is_share(((low <= 0.98) & (high >= 0.98)).sum(), 0.95)


@pytest.mark.parametrize("seeds", SEEDS)
def test_paired_comparisons_of_equals_raise_a_false_alarm_in_5_percent(seeds):
    rng = np.random.default_rng(seeds)
    shared = rng.normal(0.98, 0.01, (COMPARISONS, seeds))
    first, second = (shared + rng.normal(0, 0.002, shared.shape) for _ in range(2))
    alarms = paired_t_test(first - second) < 0.05
    assert is_share(alarms.sum(), 0.05)
    low, high = t_interval(first - second)
    # The interval and the test are one: it leaves zero out where the test raises its alarm.
    assert np.array_equal(alarms, (low > 0) | (high < 0))


@pytest.mark.parametrize("spreads", [(0.002, 0.002), (0.002, 0.006)])
def test_unpaired_comparisons_of_equals_raise_a_false_alarm_in_5_percent(spreads):
    rng = np.random.default_rng(1)
    first, second = (rng.normal(0.98, spread, (COMPARISONS, 10)) for spread in spreads)
    assert is_share((welch_t_test(first, second) < 0.05).sum(), 0.05)


def test_a_difference_is_found_as_often_as_its_power_says():
    rng = np.random.default_rng(2)
    differences = rng.normal(1.5, 1.0, (COMPARISONS, 6))
    found = (paired_t_test(differences) < 0.05).sum()
    assert is_share(found, power_of(1.5, 6, paired=True))


def test_holm_keeps_the_false_alarms_of_many_comparisons_together_below_5_percent():
    differences = np.random.default_rng(3).normal(0, 1, (COMPARISONS, 8, 5))
    p_values = paired_t_test(differences)
    assert (p_values.min(axis=1) < 0.05).mean() > 0.25
    alarms = sum(min(holm(row)) < 0.05 for row in p_values.tolist())
    assert alarms <= stats.binom.ppf(0.999, COMPARISONS, 0.05)


def test_the_sign_flip_test_raises_no_more_than_5_percent_of_false_alarms():
    differences = np.random.default_rng(4).standard_t(2, (300, 6))
    alarms = sum(sign_flip_test(row) <= 0.05 for row in differences)
    assert is_share(alarms, 2 / 64, of=300)


def test_mcnemar_s_interval_covers_and_its_test_is_not_too_eager():
    rng = np.random.default_rng(5)
    shape = (COMPARISONS, 400)
    # Both networks fail on hard images; the first has 2 points more, or none.
    hard = rng.random(shape) < 0.05
    for lead in (0.02, 0.0):
        first = ~hard & (rng.random(shape) < 0.98)
        second = ~hard & (rng.random(shape) < 0.98 - lead)
        found = [mcnemar(a, b) for a, b in zip(first, second, strict=True)]
        covered = sum(one.interval.low <= 0.95 * lead <= one.interval.high for one in found)
        assert covered >= stats.binom.ppf(0.001, COMPARISONS, 0.95)
        if not lead:
            alarms = sum(one.p_value < 0.05 for one in found)
            assert alarms <= stats.binom.ppf(0.999, COMPARISONS, 0.05)


def test_the_bootstrap_of_ten_seeds_covers_less_than_it_promises():
    """As docs/statistics.md warns."""
    values = np.random.default_rng(6).normal(0, 1, (150, 10))
    intervals = [bootstrap_interval(row) for row in values]
    assert 0.80 < np.mean([one.low <= 0 <= one.high for one in intervals]) < 0.97
