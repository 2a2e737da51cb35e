"""The derivative of a function of one number is found with its uncertainty."""

import math

import numpy as np
import pytest

from mnistlab.training.finite_differences import FIRST_STEP, Coordinate, rounding_of


class Function:
    """A function of a vector of one number."""

    def __init__(self, function, x, magnitude=1.0):
        self.function = function
        self.params = np.array([float(x)])
        self._magnitude = magnitude

    def value(self):
        return float(self.function(float(self.params[0])))

    def magnitude(self):
        return max(self._magnitude, abs(self.value()))


def slope(function, x, enough=0.0, magnitude=1.0):
    made = Function(function, x, magnitude)
    rounding = rounding_of(made, slice(0, 1), np.random.default_rng(0))
    found = Coordinate(made, 0, made.value(), rounding).slope(enough)
    assert made.params[0] == x
    return found


def relu(x):
    return max(x, 0.0)


def sigmoid(u):
    return 1 / (1 + math.exp(-u)) if u > -700 else 0.0


SMOOTH = {
    "sin": (math.sin, 0.7, math.cos(0.7)),
    "a large value": (lambda x: 1e6 + math.sin(x), 0.7, math.cos(0.7)),
    "a large slope": (lambda x: math.tanh(255 * x), 1e-3, 255 / math.cosh(0.255) ** 2),
    "a steep sigmoid": (lambda x: sigmoid(1e4 * x), 3e-5, 1e4 * sigmoid(0.3) * sigmoid(-0.3)),
    "a very steep one": (lambda x: sigmoid(1e9 * x), 3e-10, 1e9 * sigmoid(0.3) * sigmoid(-0.3)),
    "a large coordinate": (lambda x: (x / 1e6) ** 3, 2e6, 12e-6),
    "a small slope": (lambda x: 1 + 1e-9 * math.sin(x), 0.7, 1e-9 * math.cos(0.7)),
    "a kink nearby": (lambda x: x + 3 * relu(x - 1e-7), 0.0, 1.0),
    "kinks on both sides": (lambda x: x + relu(x - 3e-7) - 2 * relu(-x - 5e-7), 0.0, 1.0),
    "kinks that cancel": (lambda x: x + relu(x - 3e-7) - relu(-x - 3e-7), 0.0, 1.0),
    "a straight line": (lambda x: 3 * x, 0.2, 3.0),
}


@pytest.mark.parametrize(("function", "x", "expected"), SMOOTH.values(), ids=SMOOTH)
def test_a_derivative_is_within_its_stated_uncertainty(function, x, expected):
    found = slope(function, x)
    assert abs(found.value - expected) <= found.uncertainty
    assert found.uncertainty <= 1e-4 * abs(expected)


KINKED = {
    "abs": (abs, -1.0, 1.0),
    "relu": (relu, 0.0, 1.0),
    "a slight kink": (lambda x: math.sin(x) + 0.01 * abs(x), 0.99, 1.01),
}


@pytest.mark.parametrize("x", [0.0, 1e-13, -1e-12])
@pytest.mark.parametrize(("function", "below", "above"), KINKED.values(), ids=KINKED)
def test_a_kink_at_the_coordinate_makes_it_uncertain(function, below, above, x):
    found = slope(function, x)
    assert found.uncertainty > (above - below) / 5
    for side in [below, above] if x == 0 else [above if x > 0 else below]:
        assert abs(found.value - side) <= 1.001 * found.uncertainty


def test_what_is_lost_in_rounding_is_uncertain():
    def in_units(x):
        """A small difference of large numbers, of which whole units are left."""
        return (1e12 + x) - 1e12

    found = slope(in_units, 0.3, magnitude=1e12)
    assert abs(found.value - 1) <= found.uncertainty
    assert found.uncertainty > 1e-5


@pytest.mark.parametrize("function", [lambda x: math.inf, lambda x: math.nan])
def test_a_function_that_is_no_number_has_no_rounding_to_tell(function):
    assert rounding_of(Function(function, 0.5), slice(0, 1), np.random.default_rng(0)) == math.inf


def test_a_function_that_is_no_number_nearby_is_uncertain_or_looked_at_closer():
    found = slope(lambda x: math.log(x) if x > 0 else math.nan, 1e-9)
    assert abs(found.value - 1e9) <= found.uncertainty <= 1e-3 * 1e9
    assert slope(lambda x: 0.0 if x == 0.5 else math.nan, 0.5).uncertainty == math.inf


def test_the_rounding_is_that_of_the_function():
    noise = np.random.default_rng(1)

    def noisy(x):
        return math.sin(x) + 1e-9 * noise.standard_normal()

    measured = rounding_of(Function(noisy, 0.5), slice(0, 1), np.random.default_rng(0))
    assert 0.4e-9 < measured < 2.5e-9
    exact = rounding_of(Function(math.sin, 0.5), slice(0, 1), np.random.default_rng(0))
    assert exact == np.finfo(float).eps


def test_a_function_is_flat_where_it_has_one_value():
    flat = Coordinate(Function(relu, -0.5), 0, 0.0, 1e-16)
    assert flat.is_flat(FIRST_STEP)
    assert flat.is_flat(-2)
    assert not flat.is_flat(0)
