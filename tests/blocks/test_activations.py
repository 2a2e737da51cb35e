import numpy as np
import pytest
from kernel_helpers import DTYPES, assert_gradient, normal
from scipy.special import expit, ndtr

from mnistlab.blocks.activations import ELEMENTWISE

NONE = (0.0, 0.0)
# name, parameters, f
EQUATIONS = [
    ("identity", NONE, lambda x: x),
    ("relu", NONE, lambda x: np.clip(x, 0, None)),
    ("relu6", NONE, lambda x: np.clip(x, 0, 6)),
    ("leaky_relu", (0.01, 0.0), lambda x: np.clip(x, 0, None) + 0.01 * np.clip(x, None, 0)),
    ("leaky_relu", NONE, lambda x: np.clip(x, 0, None)),
    ("leaky_relu", (1.5, 0.0), lambda x: np.clip(x, 0, None) + 1.5 * np.clip(x, None, 0)),
    ("sigmoid", (1.0, 0.0), expit),
    ("sigmoid", (0.5, 0.0), lambda x: expit(0.5 * x)),
    ("sigmoid", (3.0, 0.0), lambda x: expit(3 * x)),
    ("softsign", NONE, lambda x: x / (1 + np.abs(x))),
    ("softplus", NONE, lambda x: np.logaddexp(0, x)),
    ("elu", (1.0, 0.0), lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0)))),
    ("elu", (0.3, 0.0), lambda x: np.where(x > 0, x, 0.3 * np.expm1(np.minimum(x, 0)))),
    ("gelu", NONE, lambda x: x * ndtr(x)),
    ("silu", NONE, lambda x: x * expit(x)),
    ("tanh", (1.0, 1.0), lambda x: 1 - 2 * expit(-2 * x)),
    ("tanh", (1.7159, 2 / 3), lambda x: 1.7159 * np.tanh(2 / 3 * x)),
]
# The derivative of each smooth one: in float64, with its digits kept in the tails.
SLOPES = {
    "softsign": lambda x: 1 / (1 + np.abs(x)) ** 2,
    "softplus": expit,
    "elu": lambda x: np.exp(np.minimum(x, 0)),
    "gelu": lambda x: ndtr(x) + x * np.exp(-x * x / 2) / np.sqrt(2 * np.pi),
    "silu": lambda x: expit(x) * (1 + x * expit(-x)),
}
BOTH_SIDES = np.array([-7.5, -6.2, -3.0, -0.4, -0.02, 0.02, 0.3, 1.7, 5.9, 6.1, 8.0])
KINKS = {"relu": [0.0], "relu6": [0.0, 6.0], "leaky_relu": [0.0]}


def forward(name, x, parameters):
    y = np.full_like(x, -77)
    ELEMENTWISE.blocks[name].forward(x, parameters, y)
    return y


def backward(name, x, parameters, dy):
    dx = np.full_like(x, -77)
    ELEMENTWISE.blocks[name].backward(x, forward(name, x, parameters), parameters, dy, dx)
    return dx


def test_every_activation_has_its_equation_here():
    assert {name for name, _, _ in EQUATIONS} == set(ELEMENTWISE.blocks)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "parameters", "equation"), EQUATIONS)
def test_forward_is_the_equation(name, parameters, equation, dtype):
    x = np.concatenate([BOTH_SIDES, normal(300, scale=5), [0.0, 6.0]]).astype(dtype)
    y = forward(name, x, parameters)
    tolerance = {np.float32: 1e-6, np.float64: 1e-14}[dtype]
    expected = equation(x.astype(np.float64))
    np.testing.assert_allclose(y, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("name", "parameters", "equation"), EQUATIONS)
def test_backward_is_the_derivative_by_finite_differences(name, parameters, equation):
    x, dy = BOTH_SIDES.copy(), normal(BOTH_SIDES.size)
    dx = backward(name, x, parameters, dy)
    assert_gradient(dx, lambda: float((dy * forward(name, x, parameters)).sum()), x)


@pytest.mark.parametrize(("name", "slope_at_kink"), [("relu", 0.0), ("relu6", 0.0)])
def test_on_a_kink_the_derivative_is_the_flat_side_s(name, slope_at_kink):
    x = np.array(KINKS[name])
    assert (backward(name, x, NONE, np.ones_like(x)) == slope_at_kink).all()


def test_leaky_relu_s_derivative_at_zero_is_alpha():
    assert backward("leaky_relu", np.array([0.0]), (0.25, 0.0), np.array([2.0])) == 0.5


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "parameters", "equation"), EQUATIONS)
def test_nan_stays_nan(name, parameters, equation, dtype):
    # Long enough for the vectorised part of the loop and for its remainder.
    x = normal(37, dtype)
    places = [0, 5, 16, 36]
    x[places] = np.nan
    y = forward(name, x, parameters)
    assert np.flatnonzero(np.isnan(y)).tolist() == places
    # A NaN gradient stays NaN where the activation passes gradients.
    dy = np.full(37, np.nan, dtype)
    dx = backward(name, np.full(37, 0.5, dtype), parameters, dy)
    assert np.isnan(dx).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "parameters", "equation"), EQUATIONS)
def test_infinite_and_huge_values_reach_the_limit(name, parameters, equation, dtype):
    x = np.array([-1e4, 1e4, -1e30, 1e30], dtype)
    y = forward(name, x, parameters)
    with np.errstate(over="ignore"):
        expected = equation(x.astype(np.float64))
    np.testing.assert_allclose(y, expected, rtol=1e-6)
    dx = backward(name, x, parameters, np.ones_like(x))
    assert np.isfinite(dx).all()
    if name in ("sigmoid", "tanh"):
        limits = (0.0, 1.0) if name == "sigmoid" else (-parameters[0], parameters[0])
        infinite = np.array([-np.inf, np.inf], dtype)
        assert forward(name, infinite, parameters).tolist() == np.array(limits, dtype).tolist()


# Arguments for which a careless formula overflows, or loses digits by cancellation.
FAR = [-100.0, -60.0, -30.0, -12.0, -5.0, 5.0, 12.0, 30.0, 60.0, 100.0]
NEAR = [sign * size for sign in (-1, 1) for size in (1e-30, 1e-8, 1e-4, 0.01)]


@pytest.mark.parametrize("name", SLOPES)
def test_in_float32_no_digit_is_lost_far_from_zero_or_near_it(name):
    parameters, equation = next(rule[1:] for rule in EQUATIONS if rule[0] == name)
    x = np.array([*FAR, *NEAR], np.float32)
    y, slopes = forward(name, x, parameters), backward(name, x, parameters, np.ones_like(x))
    least = np.finfo(np.float32).tiny  # below this, float32 has 0 or few digits
    exact = x.astype(np.float64)
    for found, expected in ((y, equation(exact)), (slopes, SLOPES[name](exact))):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=least)
        ordinary = np.abs(exact) <= 5
        np.testing.assert_allclose(found[ordinary], expected[ordinary], rtol=1.5e-6, atol=0)


TORCH = {
    "softsign": "softsign(x)",
    "softplus": "softplus(x, threshold=50)",
    "elu": "elu(x, alpha=a)",
    "gelu": "gelu(x)",
    "silu": "silu(x)",
    "tanh": "tanh(b * x) * a",
}


@pytest.mark.parametrize(
    ("name", "parameters"), [rule[:2] for rule in EQUATIONS if rule[0] in TORCH]
)
def test_pytorch_has_the_same_function_and_derivative(name, parameters):
    torch = pytest.importorskip("torch")
    values, dy = np.concatenate([BOTH_SIDES, normal(200, scale=6)]), normal(BOTH_SIDES.size + 200)
    x = torch.tensor(values, requires_grad=True)
    names = {**vars(torch.nn.functional), "tanh": torch.tanh}
    y = eval(TORCH[name], names, {"x": x, "a": parameters[0], "b": parameters[1]})
    y.backward(torch.tensor(dy))
    close = {"rtol": 1e-13, "atol": 1e-14}
    np.testing.assert_allclose(forward(name, values, parameters), y.detach(), **close)
    np.testing.assert_allclose(backward(name, values, parameters, dy), x.grad, **close)


@pytest.mark.parametrize("name", ["relu", "relu6", "sigmoid", "tanh", "softsign", "elu"])
def test_the_share_of_inactive_units_is_measured_if_there_is_a_flat_part(name):
    block = ELEMENTWISE.blocks[name]()
    x = np.full((6, 5), 0.5)
    x[:, :3] = -1e4
    y = forward(name, x.reshape(-1), block.parameters).reshape(x.shape)
    assert block.inactive_share(y) == 0.6


@pytest.mark.parametrize("name", sorted(ELEMENTWISE.blocks))
def test_backward_may_not_write_over_its_inputs(name):
    x, dy = BOTH_SIDES.copy(), normal(BOTH_SIDES.size)
    y = forward(name, x, (0.5, 1.0))
    kept = x.copy(), y.copy(), dy.copy()
    ELEMENTWISE.blocks[name].backward(x, y, (0.5, 1.0), dy, np.empty_like(x))
    for before, after in zip(kept, (x, y, dy), strict=True):
        np.testing.assert_array_equal(before, after)
