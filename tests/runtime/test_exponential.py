"""exp, tanh and others compared with exact values, over their whole range and beyond it."""

import numpy as np
import pytest
from kernel_helpers import DTYPES, run_interpreted
from scipy.special import ndtr

from mnistlab.runtime.elementary import exp, log1p, normal_tail, tanh
from mnistlab.runtime.kernel import kernel

# Largest relative errors, as the module states them; tanh in float64 is the library's own.
EXP_ERROR = {np.float32: 1.2e-7, np.float64: 3e-16}
TANH_ERROR = {np.float32: 1.4e-7, np.float64: 4e-16}
# The largest and smallest x of which eˣ is a normal number.
HIGHEST = {dtype: float(np.log(np.finfo(dtype).max)) for dtype in DTYPES}
LOWEST = {dtype: float(np.log(np.finfo(dtype).tiny)) for dtype in DTYPES}


@kernel
def exponentials(x, powers, tangents):
    for i in range(x.size):
        powers[i] = exp(x[i])
    for i in range(x.size):
        tangents[i] = tanh(x[i])


def found(x):
    powers, tangents = np.empty_like(x), np.empty_like(x)
    exponentials(x, powers, tangents)
    return powers, tangents


def numbers(dtype, low, high, count=200_000):
    """From low to high, evenly; and as many close to zero, of every size and either sign."""
    rng = np.random.default_rng(0)
    small = rng.choice([-1.0, 1.0], count) * 10.0 ** rng.uniform(-30, 0, count)
    return np.concatenate([np.linspace(low, high, count), small]).astype(dtype)


def relative_error(values, x, exact):
    """The largest, against `exact` in more digits than the values have."""
    expected = exact(x.astype(np.longdouble))
    return float(np.max(np.abs(values - expected) / np.abs(expected)))


wide = pytest.mark.skipif(
    np.finfo(np.longdouble).eps > 1e-18, reason="this machine has no numbers beyond float64"
)


@pytest.mark.parametrize("dtype", [np.float32, pytest.param(np.float64, marks=wide)])
def test_the_errors_are_no_larger_than_stated(dtype):
    x = numbers(dtype, LOWEST[dtype] + 0.1, HIGHEST[dtype] - 0.1)
    assert relative_error(found(x)[0], x, np.exp) <= EXP_ERROR[dtype]
    for limit in (0.7, 2, 10, 1000):
        x = numbers(dtype, -limit, limit)
        x = x[x != 0]
        assert relative_error(found(x)[1], x, np.tanh) <= TANH_ERROR[dtype]


@pytest.mark.parametrize("dtype", DTYPES)
def test_interpreted_they_are_numpy_s(dtype):
    x = numbers(dtype, -20, 20, 500)
    plain = np.empty_like(x), np.empty_like(x)
    run_interpreted(exponentials, x, *plain)
    for values, expected in zip(found(x), plain, strict=True):
        np.testing.assert_allclose(values, expected, rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", DTYPES)
def test_beyond_what_a_number_can_hold_exp_is_infinite_or_nothing(dtype):
    largest = np.finfo(dtype).max
    above = np.array([HIGHEST[dtype] + 0.1, 1e4, largest, np.inf], dtype)
    np.testing.assert_array_equal(found(above)[0], np.inf)
    below = np.array([LOWEST[dtype] - 0.1, -1e4, -largest, -np.inf], dtype)
    np.testing.assert_array_equal(found(below)[0], 0)
    np.testing.assert_array_equal(np.signbit(found(below)[0]), False)


@pytest.mark.parametrize("dtype", DTYPES)
def test_zero_one_and_the_ends_are_exact(dtype):
    x = np.array([0.0, -0.0, np.inf, -np.inf, 1e4, -1e4, 30, -30], dtype)
    powers, tangents = found(x)
    np.testing.assert_array_equal(powers[:4], [1, 1, np.inf, 0])
    np.testing.assert_array_equal(tangents, [0, 0, 1, -1, 1, -1, 1, -1])


@pytest.mark.parametrize("dtype", DTYPES)
def test_nan_is_nan_in_every_position_among_others(dtype):
    x = np.linspace(-2, 2, 133).astype(dtype)
    x[::7] = np.nan
    for values in found(x):
        np.testing.assert_array_equal(np.isnan(values), np.isnan(x))


@pytest.mark.parametrize("dtype", DTYPES)
def test_tanh_is_odd_never_beyond_one_and_rises(dtype):
    x = np.linspace(0, 30, 100_001).astype(dtype)
    tangents = found(x)[1]
    np.testing.assert_array_equal(found(-x)[1], -tangents)
    assert tangents.max() == 1
    assert (np.diff(tangents) >= -2 * np.finfo(dtype).eps).all()


@kernel
def logarithms_and_tails(x, logarithms, tails):
    for i in range(x.size):
        logarithms[i] = log1p(x[i])
    for i in range(x.size):
        tails[i] = normal_tail(x[i])


@pytest.mark.parametrize("dtype", DTYPES)
def test_logarithms_and_tails_are_as_right_as_stated(dtype):
    x = np.abs(numbers(dtype, 0, 1))
    logarithms, tails = np.empty_like(x), np.empty_like(x)
    logarithms_and_tails(x, logarithms, tails)
    exact = np.log1p(x.astype(np.float64))
    error = {np.float32: 1.8e-7, np.float64: 4e-16}[dtype]
    np.testing.assert_allclose(logarithms, exact, rtol=error, atol=0)
    x = np.concatenate([x, np.linspace(0, 13, 200_000)]).astype(dtype)
    tails = np.empty_like(x)
    logarithms_and_tails(x, np.empty_like(x), tails)
    exact = ndtr(-x.astype(np.float64))
    error = {np.float32: 4e-7, np.float64: 2e-15}[dtype] * (1 + x * x / 10)
    assert (np.abs(tails - exact) <= error * exact).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_logarithms_and_tails_have_their_limits_and_let_nan_through(dtype):
    x = np.array([0.0, 1.0, np.nan, 40.0, 1e30, np.inf] * 9, dtype)
    logarithms, tails = np.empty_like(x), np.empty_like(x)
    logarithms_and_tails(x, logarithms, tails)
    np.testing.assert_array_equal(logarithms[:2], [0, dtype(np.log(2))])
    np.testing.assert_array_equal(np.isnan(logarithms[2::6]), True)
    np.testing.assert_array_equal(tails[0::6], 0.5)
    np.testing.assert_array_equal(np.isnan(tails), np.isnan(x))
    for end in (tails[4::6], tails[5::6]):
        np.testing.assert_array_equal(end, 0)
