"""When runs are paired, and what is told of too few values or of values without spread."""

import math

import pytest

from mnistlab.statistics.difference import difference_of, shared_seeds
from mnistlab.statistics.seeds import Sample, summary_of


def sample(*values, seeds=None):
    return Sample(values, tuple(range(len(values)) if seeds is None else seeds))


def test_runs_are_paired_over_the_seeds_that_both_groups_have():
    found = difference_of(sample(0.9, 0.8, 0.7), sample(0.6, 0.7, 0.1, seeds=(1, 0, 9)))
    assert found.pairs == (0, 1)
    assert found.estimate == pytest.approx(0.2)


@pytest.mark.parametrize("seeds", [(0, 7, 8), (5, 6, 7), (1, 1, 2)])
def test_runs_are_not_paired_by_one_shared_seed_nor_by_a_seed_that_a_group_has_twice(seeds):
    assert shared_seeds(sample(1, 2, 3), sample(1, 2, 3, seeds=seeds)) == ()
    assert not difference_of(sample(1, 2, 3), sample(1, 2, 4, seeds=seeds)).is_paired


def test_one_run_has_no_spread_and_tells_nothing():
    summary = summary_of([0.5])
    assert (summary.mean, summary.std, summary.interval) == (0.5, None, None)
    found = difference_of(sample(0.9), sample(0.1, 0.2))
    assert (found.estimate, found.p_value, found.interval) == (pytest.approx(0.75), None, None)


def test_equal_differences_are_told_apart_only_if_there_are_six():
    """A spread of zero would give Student's test a p-value of zero: the same count of images on a
    small validation set is no certainty.
    """
    for count, is_told in ((2, False), (5, False), (6, True)):
        first = [0.90 + 0.01 * seed for seed in range(count)]
        found = difference_of(sample(*first), sample(*(value - 0.01 for value in first)))
        assert found.p_value == 2 ** (1 - count)
        assert found.interval is None
        assert (found.p_value < 0.05) == is_told


def test_equal_values_on_both_sides_do_not_differ():
    for other in (sample(0.1, 0.1), sample(0.1, 0.1, seeds=(5, 6))):
        found = difference_of(sample(0.1, 0.1), other)
        assert (found.estimate, found.p_value) == (0, 1)


def test_constant_groups_without_shared_seeds_are_dealt_anew():
    found = difference_of(sample(2.0, 2.0, 2.0), sample(1.0, 1.0, 1.0, seeds=(7, 8, 9)))
    assert found.p_value == 2 / math.comb(6, 3)
    found = difference_of(sample(2.0, 2.0), sample(1.0, 1.0, 1.0, seeds=(7, 8, 9)))
    assert found.p_value == 1 / math.comb(5, 2)


def test_a_bootstrap_needs_five_values_that_differ():
    assert summary_of([1, 2, 3, 4], bootstrap=True).bootstrap is None
    assert summary_of([1, 1, 1, 1, 1], bootstrap=True).bootstrap is None
    assert summary_of([1, 2, 3, 4, 5]).bootstrap is None
    found = summary_of([1, 2, 3, 4, 5], bootstrap=True).bootstrap
    assert 1 < found.low < 3 < found.high < 5


def test_the_interval_of_a_share_ends_where_its_mean_must_lie():
    values = [0.99, 0.9, 0.95]
    assert summary_of(values).interval.high > 1
    assert summary_of(values, is_share=True).interval.high == 1
    assert summary_of([0.01, 0.1, 0.05], is_share=True).interval.low == 0
