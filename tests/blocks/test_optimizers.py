"""Each optimizer's update is its equation, written here in numpy, over several steps."""

import math

import numpy as np
import pytest
from kernel_helpers import DTYPES, normal

from mnistlab.blocks.optimizers import adadelta, adagrad, adam, adamw, rmsprop, sgd

SIZE, STEPS, LR = 50, 6, 0.05
TOLERANCE = {np.float32: 3e-6, np.float64: 1e-14}


def gradients(dtype):
    return [normal(SIZE, dtype, seed=10 + step) for step in range(STEPS)]


def assert_close(found, expected):
    tolerance = TOLERANCE[found.dtype.type]
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
def test_sgd_steps_down_the_gradient(dtype):
    W = normal(SIZE, dtype)
    expected = W.astype(np.float64) - LR * sum(g.astype(np.float64) for g in gradients(dtype))
    for g in gradients(dtype):
        sgd.sgd_update(W, g, LR)
    assert_close(W, expected)


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
def test_momentum_s_velocity_is_a_decaying_sum_of_gradients(dtype, nesterov):
    W, velocity, mu = normal(SIZE, dtype), np.zeros(SIZE, dtype), 0.8
    expected, so_far = W.astype(np.float64), []
    for step, g in enumerate(gradients(dtype)):
        rate = LR / (1 + step)
        so_far.append(g.astype(np.float64))
        v = sum(mu ** (step - i) * past for i, past in enumerate(so_far))
        expected = expected - rate * (so_far[-1] + mu * v if nesterov else v)
        sgd.momentum_update(W, g, velocity, rate, mu, nesterov)
        assert_close(velocity, v)
    assert_close(W, expected)


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_velocity_of_steps_keeps_the_rate_of_each_gradient_s_own_step(dtype, nesterov):
    W, velocity, mu = normal(SIZE, dtype), np.zeros(SIZE, dtype), 0.8
    expected, steps = W.astype(np.float64), []
    for step, g in enumerate(gradients(dtype)):
        rate = LR / (1 + step)
        steps.append(rate * g.astype(np.float64))
        v = sum(mu ** (step - i) * past for i, past in enumerate(steps))
        expected = expected - (steps[-1] + mu * v if nesterov else v)
        sgd.momentum_step_update(W, g, velocity, rate, mu, nesterov)
        assert_close(velocity, v)
    assert_close(W, expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_adam_divides_the_unbiased_mean_by_the_root_of_the_unbiased_square(dtype):
    beta1, beta2, epsilon = 0.9, 0.99, 1e-3
    W, m, v = normal(SIZE, dtype), np.zeros(SIZE, dtype), np.zeros(SIZE, dtype)
    expected, so_far = W.astype(np.float64), []
    for t, g in enumerate(gradients(dtype), 1):
        so_far.append(g.astype(np.float64))
        weights1 = np.array([(1 - beta1) * beta1 ** (t - 1 - i) for i in range(t)])
        weights2 = np.array([(1 - beta2) * beta2 ** (t - 1 - i) for i in range(t)])
        # Means over the past whose weights have sum one: the purpose of the correction.
        mean = weights1 @ np.array(so_far) / weights1.sum()
        square = weights2 @ np.array(so_far) ** 2 / weights2.sum()
        expected = expected - LR * mean / (np.sqrt(square) + epsilon)
        adam.adam_update(W, g, m, v, LR, beta1, beta2, epsilon, t)
    assert_close(W, expected)


def test_adam_s_first_step_is_the_learning_rate_whatever_the_gradient_s_size():
    W, g = np.zeros(3), np.array([1e-3, -5.0, 1e4])
    adam.adam_update(W, g, np.zeros(3), np.zeros(3), 0.1, 0.9, 0.999, 1e-12, 1)
    np.testing.assert_allclose(W, [-0.1, 0.1, -0.1], rtol=1e-8)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_gradient_of_zero_moves_nothing(dtype):
    """A blank pixel's weights do not change, and 0/0 is not computed."""
    zero = np.zeros(SIZE, dtype)
    W = normal(SIZE, dtype)
    before = W.copy()
    adam.adam_update(W, zero, zero.copy(), zero.copy(), LR, 0.9, 0.999, 1e-8, 1)
    rmsprop.rmsprop_update(W, zero, zero.copy(), LR, 0.99, 1e-8)
    adagrad.adagrad_update(W, zero, zero.copy(), LR, 1e-10)
    adadelta.adadelta_update(W, zero, zero.copy(), zero.copy(), LR, 0.9, 1e-6)
    sgd.sgd_update(W, zero, LR)
    np.testing.assert_array_equal(W, before)


@pytest.mark.parametrize("dtype", DTYPES)
def test_weight_decay_shrinks_by_the_rate_times_the_decay(dtype):
    W = normal(SIZE, dtype)
    expected = W.astype(np.float64) * (1 - 0.1 * 0.3)
    adamw.weight_decay(W, 0.1, 0.3)
    assert_close(W, expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_rmsprop_divides_by_the_root_of_a_decaying_mean_of_squares(dtype):
    alpha, epsilon = 0.9, 1e-3
    W, s = normal(SIZE, dtype), np.zeros(SIZE, dtype)
    expected, so_far = W.astype(np.float64), []
    for t, g in enumerate(gradients(dtype)):
        so_far.append(g.astype(np.float64))
        square = sum((1 - alpha) * alpha ** (t - i) * past**2 for i, past in enumerate(so_far))
        expected = expected - LR * so_far[-1] / (np.sqrt(square) + epsilon)
        rmsprop.rmsprop_update(W, g, s, LR, alpha, epsilon)
    assert_close(W, expected)


UPDATES = {
    "sgd": lambda W, g: sgd.sgd_update(W, g, LR),
    "momentum": lambda W, g: sgd.momentum_update(W, g, np.zeros(SIZE), LR, 0.9, False),
    "nesterov": lambda W, g: sgd.momentum_update(W, g, np.zeros(SIZE), LR, 0.9, True),
    "step": lambda W, g: sgd.momentum_step_update(W, g, np.zeros(SIZE), LR, 0.9, False),
    "adam": lambda W, g: adam.adam_update(
        W, g, np.zeros(SIZE), np.zeros(SIZE), LR, 0.9, 0.999, 1e-8, 1
    ),
    "adagrad": lambda W, g: adagrad.adagrad_update(W, g, np.zeros(SIZE), LR, 1e-10),
    "adadelta": lambda W, g: adadelta.adadelta_update(
        W, g, np.zeros(SIZE), np.zeros(SIZE), 1.0, 0.9, 1e-6
    ),
    "rmsprop": lambda W, g: rmsprop.rmsprop_update(W, g, np.zeros(SIZE), LR, 0.9, 1e-8),
}


@pytest.mark.parametrize("update", UPDATES.values(), ids=UPDATES)
def test_a_nan_in_the_gradient_reaches_the_weight_and_no_other(update):
    W, g = normal(SIZE), normal(SIZE, seed=1)
    g[17] = math.nan
    update(W, g)
    assert np.flatnonzero(np.isnan(W)).tolist() == [17]
