import numpy as np
import pytest
from kernel_helpers import DTYPES, assert_gradient, normal

from mnistlab.blocks.penalties.maths import (
    limit_columns,
    limit_rows,
    penalty,
    penalty_gradient,
    penalty_step,
    soft_threshold,
)

L1, L2 = 0.3, 0.2


def test_the_penalty_is_the_sum_of_absolute_values_and_of_squares():
    W = np.array([1.0, -2.0, 0.0, 3.0])
    assert penalty(W, 0.5, 0.0) == 3.0
    assert penalty(W, 0.0, 0.25) == 3.5
    assert penalty(W, 0.5, 0.25) == 6.5


def test_the_penalty_is_summed_in_float64_whatever_the_weights_are():
    W = normal(100_000, np.float32)
    wide = W.astype(np.float64)
    expected = np.abs(wide).sum() + np.square(wide).sum()
    assert penalty(W, 1.0, 1.0) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("weight", [np.inf, np.nan, 1e200])
def test_without_a_penalty_it_is_zero_whatever_the_weights_are(weight):
    assert penalty(np.array([1.0, weight]), 0.0, 0.0) == 0.0


def test_a_penalty_that_overflows_is_infinite():
    """A warning of numpy would fail this test."""
    assert penalty(np.array([1.0, 1e200]), 0.0, L2) == np.inf
    assert penalty(np.array([1.0, np.inf]), L1, 0.0) == np.inf


@pytest.mark.parametrize(("l1", "l2"), [(L1, 0.0), (0.0, L2), (L1, L2)])
def test_the_penalty_s_gradient_is_that_of_finite_differences(l1, l2):
    W = normal(40)
    W += 0.01 * np.sign(W)
    dW = np.zeros(40)
    penalty_gradient(W, l1, l2, dW)
    assert_gradient(dW, lambda: penalty(W, l1, l2), W)


def test_the_penalty_s_gradient_is_added_to_what_is_there():
    W, dW = np.array([2.0, -1.0]), np.array([10.0, 20.0])
    penalty_gradient(W, L1, L2, dW)
    np.testing.assert_allclose(dW, [10 + 0.3 + 0.8, 20 - 0.3 - 0.4], rtol=1e-15)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_sign_of_zero_is_zero(dtype):
    W, dW, taken = np.array([0.0, -0.0], dtype), np.zeros(2, dtype), np.full(2, 9, dtype)
    penalty_gradient(W, L1, L2, dW)
    penalty_step(W, L1, L2, taken)
    assert (dW == 0).all()
    assert (taken == 0).all()


def test_a_step_takes_the_sign_and_the_weight_itself_not_twice_it():
    W, taken = np.array([2.0, -1.0, 0.0]), np.full(3, np.nan)
    penalty_step(W, L1, L2, taken)
    np.testing.assert_allclose(taken, [0.3 + 0.4, -0.3 - 0.2, 0], rtol=1e-15)
    assert W.tolist() == [2.0, -1.0, 0.0]


@pytest.mark.parametrize("dtype", DTYPES)
def test_soft_threshold_shrinks_by_the_threshold_and_makes_exact_zeros(dtype):
    W = np.array([-2.0, -0.5, -0.25, -0.0, 0.0, 0.1, 0.5, 0.75], dtype)
    soft_threshold(W, 0.5)
    assert W.tolist() == [-1.5, 0, 0, 0, 0, 0, 0, 0.25]


def test_soft_threshold_solves_the_proximal_problem():
    """The minimum of ½ (u − w)² + t |u|, searched on a fine grid."""
    W, t = normal(20), 0.4
    grid = np.linspace(-4, 4, 80_001)
    best = [grid[np.argmin(0.5 * (grid - w) ** 2 + t * np.abs(grid))] for w in W]
    soft_threshold(W, t)
    np.testing.assert_allclose(W, best, rtol=0, atol=1e-4)


def test_nan_weights_stay_nan_through_every_penalty():
    W = np.array([1.0, np.nan, -0.1])
    dW, taken = np.zeros(3), np.zeros(3)
    penalty_gradient(W, L1, L2, dW)
    penalty_step(W, L1, L2, taken)
    soft_threshold(W, 0.5)
    for array in (dW, taken, W):
        assert np.isnan(array).tolist() == [False, True, False]
    assert np.isnan(penalty(W, L1, L2))


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_unit_s_weights_beyond_the_bound_are_scaled_to_it_and_the_others_are_left(dtype):
    W = np.array([[3.0, 0.3, 0.0], [4.0, 0.4, 0.0]], dtype)  # columns of norm 5, 0.5 and 0
    flat, turned = W.reshape(-1).copy(), W.T.reshape(-1).copy()
    limit_columns(flat, 2, 3, 2, 0, 3, 2.0, np.empty(3, dtype))
    limit_rows(turned, 2, 2.0)
    expected = np.array([[1.2, 0.3, 0.0], [1.6, 0.4, 0.0]])
    np.testing.assert_allclose(flat.reshape(2, 3), expected, rtol=1e-6)
    np.testing.assert_array_equal(turned.reshape(3, 2).T, flat.reshape(2, 3))
    np.testing.assert_array_equal(flat.reshape(2, 3)[:, 1:], W[:, 1:])


@pytest.mark.parametrize("weight", [np.inf, np.nan])
def test_weights_that_are_not_finite_stay_so(weight):
    W = np.array([weight, 1.0])
    limit_rows(W, 2, 0.5)
    np.testing.assert_array_equal(W, [weight, 1.0])
