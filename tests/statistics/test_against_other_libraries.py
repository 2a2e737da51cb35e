"""The same numbers give the same intervals and p-values as scipy.stats and statsmodels."""

import numpy as np
import pytest
from scipy import stats

from mnistlab.statistics.difference import (
    difference_of,
    hedges_g,
    paired_values,
    probability_of_improvement,
)
from mnistlab.statistics.hypothesis_tests import holm, mcnemar, paired_t_test, sign_flip_test
from mnistlab.statistics.power import power_of, seeds_to_tell
from mnistlab.statistics.seeds import Sample, summary_of

FIRST = Sample((0.981, 0.979, 0.984, 0.980, 0.982, 0.986), (0, 1, 2, 3, 4, 5))
SECOND = Sample((0.978, 0.977, 0.983, 0.981, 0.979, 0.980), (5, 4, 3, 2, 1, 0))
OTHER = Sample(SECOND.values[:4], (10, 11, 12, 13))


def ends(interval):
    return pytest.approx((interval.low, interval.high), rel=1e-12)


def test_the_interval_of_a_mean_is_scipy_s():
    summary = summary_of(FIRST.values, bootstrap=True)
    assert summary.mean == pytest.approx(np.mean(FIRST.values))
    assert summary.std == pytest.approx(np.std(FIRST.values, ddof=1))
    expected = stats.ttest_1samp(FIRST.values, 0).confidence_interval()
    assert ends(summary.interval) == tuple(expected)
    drawn = stats.bootstrap((FIRST.values,), np.mean, rng=1, method="BCa").confidence_interval
    assert (summary.bootstrap.low, summary.bootstrap.high) == pytest.approx(tuple(drawn), abs=2e-4)


def test_a_paired_difference_is_scipy_s_paired_t_test():
    found = difference_of(FIRST, SECOND)
    assert found.pairs == (0, 1, 2, 3, 4, 5)
    first, second = paired_values(FIRST, SECOND, found.pairs)
    assert second.tolist() == list(SECOND.values[::-1])
    expected = stats.ttest_rel(first, second)
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-10)
    assert ends(found.interval) == tuple(expected.confidence_interval())
    assert found.effect_size == pytest.approx(expected.statistic / np.sqrt(6))


def test_a_difference_without_shared_seeds_is_scipy_s_welch_test():
    found = difference_of(FIRST, OTHER)
    expected = stats.ttest_ind(FIRST.values, OTHER.values, equal_var=False)
    assert not found.is_paired
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-10)
    assert ends(found.interval) == tuple(expected.confidence_interval())


def test_the_probability_of_improvement_is_the_statistic_of_mann_and_whitney():
    first, second = np.array(FIRST.values), np.array(OTHER.values)
    share = stats.mannwhitneyu(first, second).statistic / (len(first) * len(second))
    found = probability_of_improvement(first, second, larger_is_better=True)
    assert found == pytest.approx(share)
    found = probability_of_improvement(first, second, larger_is_better=False)
    assert found == pytest.approx(1 - share)


def test_the_sign_flip_test_counts_all_arrangements_of_few_seeds():
    assert sign_flip_test(np.array([0.1, 0.2, 0.3])) == 2 / 8
    assert sign_flip_test(np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])) == 2 / 64
    # -3 + 1 + 2 and its mirror image are 0; every arrangement is at least as far from it.
    assert sign_flip_test(np.array([-3.0, 1.0, 2.0])) == 1
    # Signs of wilcoxon's ranks, exactly.
    ranks = np.array([1.0, -2.0, 3.0, 4.0, 5.0, 6.0, 7.0])
    assert sign_flip_test(ranks) == pytest.approx(stats.wilcoxon(ranks, method="exact").pvalue)


def test_the_sign_flip_test_of_many_seeds_is_drawn_and_repeats():
    values = np.random.default_rng(0).normal(0.5, 1, 40)
    expected = stats.ttest_1samp(values, 0).pvalue
    assert sign_flip_test(values) == sign_flip_test(values)
    assert sign_flip_test(values) == pytest.approx(expected, abs=0.005)


def test_mcnemar_is_that_of_statsmodels():
    tables = pytest.importorskip("statsmodels.stats.contingency_tables")
    rng = np.random.default_rng(1)
    first, second = rng.random(500) < 0.9, rng.random(500) < 0.87
    found = mcnemar(first, second)
    table = [[(first & second).sum(), found.only_first], [found.only_second, 0]]
    assert found.p_value == pytest.approx(tables.mcnemar(table, exact=True).pvalue, rel=1e-12)
    assert found.difference == pytest.approx(first.mean() - second.mean())
    assert found.interval.low < found.difference < found.interval.high


def test_networks_with_the_same_mistakes_do_not_differ():
    correct = np.array([True, False, True])
    assert mcnemar(correct, correct).p_value == 1
    with pytest.raises(ValueError, match="same images"):
        mcnemar(correct, correct[:2])


def test_holm_s_correction_is_that_of_statsmodels():
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    p_values = [0.2, 0.001, 0.04, 0.012, 0.04, 1.0, 0.0]
    assert holm(p_values) == pytest.approx(multitest.multipletests(p_values, method="holm")[1])
    assert holm([]) == []


def test_hedges_g_is_that_of_statsmodels():
    analysis = pytest.importorskip("statsmodels.stats.meta_analysis")
    first, second = np.array(FIRST.values), np.array(OTHER.values)
    moments = [(one.mean(), one.std(ddof=1), len(one)) for one in (first, second)]
    expected, _ = analysis.effectsize_smd(*moments[0], *moments[1])
    assert hedges_g(first, second) == pytest.approx(expected)


@pytest.mark.parametrize("alpha", [0.05, 0.01, 0.001])
@pytest.mark.parametrize("paired", [True, False])
def test_the_power_of_every_effect_is_a_probability_that_rises_with_the_seeds(alpha, paired):
    """scipy's noncentral distribution is NaN in far tails."""
    for effect in np.geomspace(0.01, 1000, 60):
        powers = [power_of(effect, seeds, paired=paired, alpha=alpha) for seeds in range(2, 40)]
        assert np.diff(powers).min() > -1e-6
        assert 0 < powers[0] <= powers[-1] <= 1


def test_three_seeds_are_not_enough_where_their_power_is_below_a_half():
    # Of 100,000 drawn comparisons, 41 % tell this difference with three seeds, 88 % with four.
    drawn = np.random.default_rng(0).normal(4.163332, 1, (100_000, 4))
    for seeds, power in ((3, 0.41), (4, 0.88)):
        values = drawn[:, :seeds]
        assert power_of(4.163332, seeds, paired=True, alpha=0.01) == pytest.approx(power, abs=0.01)
        assert (paired_t_test(values) < 0.01).mean() == pytest.approx(power, abs=0.01)
    assert seeds_to_tell(4.163332, paired=True, alpha=0.01) == 4


@pytest.mark.parametrize("effect", [0.2, 0.5, 1.0, 2.0, 3.0])
def test_the_number_of_seeds_is_that_of_statsmodels(effect):
    power = pytest.importorskip("statsmodels.stats.power")
    for paired, solver in ((True, power.TTestPower()), (False, power.TTestIndPower())):
        seeds = seeds_to_tell(effect, paired=paired)
        for count in (max(2, seeds - 1), seeds):
            expected = solver.power(effect, count, alpha=0.05)
            assert power_of(effect, count, paired=paired) == pytest.approx(expected, abs=1e-6)
        assert power_of(effect, seeds, paired=paired) >= 0.8
        assert seeds == 2 or power_of(effect, seeds - 1, paired=paired) < 0.8


def test_no_number_of_seeds_tells_what_is_equal():
    assert seeds_to_tell(0.0, paired=True) is None
    assert seeds_to_tell(1e-3, paired=False) is None
    assert [seeds_to_tell(effect, paired=True) for effect in (30.0, 1e6)] == [2, 2]
