import math

import numpy as np
import pytest
from kernel_helpers import DTYPES, assert_gradient, normal

from mnistlab.blocks.layers.dropout.maths import dropout, dropout_backward_by_output
from mnistlab.runtime.random import random32, stream_key

COUNT = 100_000
PINNED_MASK = "00001000010111000010001010111100"
RATES = [0.1, 0.25, 0.4, 0.5, 0.9]


def dropped(x, rate, seed=0, stream=1, step=0, first=0):
    y = np.full_like(x, np.nan)
    keys = [stream_key(seed, stream, step, which) for which in (0, 1)]
    dropout(x, rate, *keys, first, y)
    return y


def kept(rate=0.5, count=COUNT, **place):
    return dropped(np.ones(count), rate, **place) != 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rate", RATES)
def test_a_value_is_either_zero_or_divided_by_the_share_that_is_kept(rate, dtype):
    x = normal(1000, dtype)
    y = dropped(x, rate)
    zero = y == 0
    assert 0 < zero.sum() < 1000
    tolerance = {np.float32: 1e-6, np.float64: 1e-15}[dtype]
    np.testing.assert_allclose(y[~zero], x[~zero] / (1 - rate), rtol=tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rate", RATES)
def test_behind_a_relu_the_output_gives_the_same_mask_as_the_random_numbers(rate, dtype):
    x, dy = np.maximum(normal(1000, dtype), 0), normal(1000, dtype, 1)
    found = np.full_like(x, np.nan)
    dropout_backward_by_output(dropped(x, rate), dy, rate, found)
    expected = np.where(x > 0, dropped(dy, rate), 0)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("rate", RATES)
def test_the_share_dropped_is_the_rate(rate):
    share = 1 - kept(rate).mean()
    assert abs(share - rate) < 4 * math.sqrt(rate * (1 - rate) / COUNT)


@pytest.mark.parametrize("rate", RATES)
def test_the_mean_is_preserved(rate):
    x = 3 + normal(COUNT)
    y = dropped(x, rate)
    standard_error = np.std(y - x) / math.sqrt(COUNT)
    assert abs(y.mean() - x.mean()) < 4 * standard_error


@pytest.mark.parametrize("dtype", DTYPES)
def test_at_a_rate_of_zero_nothing_changes(dtype):
    x = normal(1000, dtype)
    np.testing.assert_array_equal(dropped(x, 0.0), x)


def test_a_value_is_kept_where_its_random_number_is_not_below_the_rate():
    keys = [stream_key(5, 2, 9, which) for which in (0, 1)]
    expected = [random32(*keys, 70 + i) / 2**32 >= 0.3 for i in range(2000)]
    assert kept(0.3, 2000, seed=5, stream=2, step=9, first=70).tolist() == expected


def test_a_higher_rate_keeps_a_part_of_what_a_lower_one_keeps():
    few, many = kept(0.7), kept(0.2)
    assert (many[few]).all()
    assert many.sum() > few.sum()


@pytest.mark.parametrize("rate", RATES)
def test_backward_drops_what_forward_dropped_and_is_its_gradient(rate):
    x, c = normal(60), normal(60, seed=1)
    place = {"seed": 3, "stream": 2, "step": 11, "first": 500}
    dx = dropped(c, rate, **place)
    np.testing.assert_array_equal(dx == 0, dropped(x, rate, **place) == 0)
    assert_gradient(dx, lambda: float((c * dropped(x, rate, **place)).sum()), x)


def test_parts_side_by_side_make_the_whole():
    x = normal(1000)
    parts = [dropped(x[a:b], 0.4, first=a) for a, b in [(0, 1), (1, 1), (1, 333), (333, 1000)]]
    np.testing.assert_array_equal(np.concatenate(parts), dropped(x, 0.4))


OTHERS = {
    "seed": {"seed": 1},
    "stream": {"stream": 2},
    "step": {"step": 1},
    "position": {"first": 1},
    "a row further": {"first": 784},
}


def assert_independent(a, b, rate):
    """The four combinations of keeping and dropping a pair have the right frequencies:
    chi-squared.
    """
    counts = np.bincount(2 * a + b, minlength=4)
    keep = np.array([rate, 1 - rate])
    expected = len(a) * np.outer(keep, keep).ravel()
    chi_squared = ((counts - expected) ** 2 / expected).sum()
    assert chi_squared < 3 + 5 * math.sqrt(6)
    assert abs(np.corrcoef(a, b)[0, 1]) < 4.5 / math.sqrt(len(a))


@pytest.mark.parametrize("rate", [0.2, 0.5])
@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_another_seed_stream_step_or_position_is_an_independent_mask(other, rate):
    assert_independent(kept(rate), kept(rate, **other), rate)


@pytest.mark.parametrize("rate", [0.2, 0.5])
def test_masks_are_independent_over_all_places_and_successive_steps(rate):
    masks = np.array([kept(rate, 50, step=step) for step in range(4000)])
    share = masks.mean(axis=0)
    assert (np.abs(share - (1 - rate)) < 4.5 * math.sqrt(rate * (1 - rate) / 4000)).all()
    both = np.hstack([masks[:-1], masks[1:]]).astype(float)
    correlations = np.corrcoef(both, rowvar=False)
    within, across = np.triu_indices(50, 1), np.ix_(range(50), range(50, 100))
    for z in (correlations[within], correlations[across].ravel()):
        z = z * math.sqrt(3999)
        assert np.abs(z).max() < 5
        # The sum of their squares: chi-squared, neither too large nor too small.
        assert abs((z * z).sum() - z.size) < 5 * math.sqrt(2 * z.size)


def test_patterns_of_four_neighbours_are_as_frequent_as_they_should_be():
    rate = 0.3
    mask = kept(rate)
    patterns = mask.reshape(-1, 4) @ [8, 4, 2, 1]
    keeps = np.array([bin(pattern).count("1") for pattern in range(16)])
    expected = len(patterns) * (1 - rate) ** keeps * rate ** (4 - keeps)
    counts = np.bincount(patterns, minlength=16)
    assert ((counts - expected) ** 2 / expected).sum() < 15 + 5 * math.sqrt(30)


def test_a_mask_stays_what_it_is():
    """Runs must be repeatable bit by bit: these values must never change."""
    found = "".join("1" if one else "0" for one in kept(0.5, 32, seed=42, stream=3, step=1000))
    assert found == PINNED_MASK


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_nan_that_is_kept_stays_nan(dtype):
    y = dropped(np.full(1000, np.nan, dtype), 0.5)
    np.testing.assert_array_equal(np.isnan(y), kept(0.5, 1000))
