import numpy as np
import pytest
from kernel_helpers import DTYPES, assert_gradient, normal
from scipy.special import expit

from mnistlab.blocks.activations import ELEMENTWISE

# name, parameter, f
EQUATIONS = [
    ("identity", 0.0, lambda x: x),
    ("relu", 0.0, lambda x: np.clip(x, 0, None)),
    ("relu6", 0.0, lambda x: np.clip(x, 0, 6)),
    ("leaky_relu", 0.01, lambda x: np.clip(x, 0, None) + 0.01 * np.clip(x, None, 0)),
    ("leaky_relu", 0.0, lambda x: np.clip(x, 0, None)),
    ("leaky_relu", 1.5, lambda x: np.clip(x, 0, None) + 1.5 * np.clip(x, None, 0)),
    ("sigmoid", 1.0, expit),
    ("sigmoid", 0.5, lambda x: expit(0.5 * x)),
    ("sigmoid", 3.0, lambda x: expit(3 * x)),
    ("tanh", 0.0, lambda x: 1 - 2 * expit(-2 * x)),
]
BOTH_SIDES = np.array([-7.5, -6.2, -3.0, -0.4, -0.02, 0.02, 0.3, 1.7, 5.9, 6.1, 8.0])
KINKS = {"relu": [0.0], "relu6": [0.0, 6.0], "leaky_relu": [0.0]}


def forward(name, x, parameter):
    y = np.full_like(x, -77)
    ELEMENTWISE.blocks[name].forward(x, parameter, y)
    return y


def backward(name, x, parameter, dy):
    dx = np.full_like(x, -77)
    ELEMENTWISE.blocks[name].backward(x, forward(name, x, parameter), parameter, dy, dx)
    return dx


def test_every_activation_has_its_equation_here():
    assert {name for name, _, _ in EQUATIONS} == set(ELEMENTWISE.blocks)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "parameter", "equation"), EQUATIONS)
def test_forward_is_the_equation(name, parameter, equation, dtype):
    x = np.concatenate([BOTH_SIDES, normal(300, scale=5), [0.0, 6.0]]).astype(dtype)
    y = forward(name, x, parameter)
    tolerance = {np.float32: 1e-6, np.float64: 1e-14}[dtype]
    expected = equation(x.astype(np.float64))
    np.testing.assert_allclose(y, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("name", "parameter", "equation"), EQUATIONS)
def test_backward_is_the_derivative_by_finite_differences(name, parameter, equation):
    x, dy = BOTH_SIDES.copy(), normal(BOTH_SIDES.size)
    dx = backward(name, x, parameter, dy)
    assert_gradient(dx, lambda: float((dy * forward(name, x, parameter)).sum()), x)


@pytest.mark.parametrize(("name", "slope_at_kink"), [("relu", 0.0), ("relu6", 0.0)])
def test_on_a_kink_the_derivative_is_the_flat_side_s(name, slope_at_kink):
    x = np.array(KINKS[name])
    assert (backward(name, x, 0.0, np.ones_like(x)) == slope_at_kink).all()


def test_leaky_relu_s_derivative_at_zero_is_alpha():
    assert backward("leaky_relu", np.array([0.0]), 0.25, np.array([2.0])) == 0.5


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "parameter", "equation"), EQUATIONS)
def test_nan_stays_nan(name, parameter, equation, dtype):
    # Long enough for the vectorised part of the loop and for its rest.
    x = normal(37, dtype)
    places = [0, 5, 16, 36]
    x[places] = np.nan
    y = forward(name, x, parameter)
    assert np.flatnonzero(np.isnan(y)).tolist() == places
    # A gradient that is NaN is not lost where the activation lets gradients through.
    dy = np.full(37, np.nan, dtype)
    dx = backward(name, np.full(37, 0.5, dtype), parameter, dy)
    assert np.isnan(dx).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "parameter", "equation"), EQUATIONS)
def test_infinite_and_huge_values_reach_the_limit(name, parameter, equation, dtype):
    x = np.array([-1e4, 1e4, -1e30, 1e30], dtype)
    y = forward(name, x, parameter)
    with np.errstate(over="ignore"):
        expected = equation(x.astype(np.float64))
    np.testing.assert_allclose(y, expected, rtol=1e-6)
    dx = backward(name, x, parameter, np.ones_like(x))
    assert np.isfinite(dx).all()
    if name in ("sigmoid", "tanh"):
        low = 0.0 if name == "sigmoid" else -1.0
        infinite = np.array([-np.inf, np.inf], dtype)
        assert forward(name, infinite, parameter).tolist() == [low, 1.0]


@pytest.mark.parametrize("name", sorted(ELEMENTWISE.blocks))
def test_backward_may_not_write_over_its_inputs(name):
    x, dy = BOTH_SIDES.copy(), normal(BOTH_SIDES.size)
    y = forward(name, x, 0.5)
    kept = x.copy(), y.copy(), dy.copy()
    ELEMENTWISE.blocks[name].backward(x, y, 0.5, dy, np.empty_like(x))
    for before, after in zip(kept, (x, y, dy), strict=True):
        np.testing.assert_array_equal(before, after)
