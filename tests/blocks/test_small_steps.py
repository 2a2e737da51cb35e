"""A penalty or weight decay subtracts in float32 what it subtracts in float64, in the mean.

float32 numbers near W are about 1e-7 · |W| apart: a smaller step, subtracted by itself, is lost.
"""

from functools import cache

import numpy as np
import pytest
from kernel_helpers import normal, run_interpreted

from mnistlab.blocks.optimizers.adam import adam_update
from mnistlab.blocks.optimizers.adamw import weight_decay
from mnistlab.blocks.optimizers.rmsprop import rmsprop_update
from mnistlab.blocks.optimizers.sgd import momentum_step_update, momentum_update, sgd_update
from mnistlab.blocks.penalties.maths import (
    penalty_descent,
    penalty_gradient,
    penalty_step,
    soft_threshold,
)
from mnistlab.runtime.dither import DECAY, GRADIENT, NONE, PENALTY, UPDATE, dither_of

SIZE, STEPS = 20_000, 600
# A weight loses this share of its size at each step.
SHARES = [1e-10, 1e-9, 2e-8, 1e-6]
LR = 1e-2


def weights(dtype):
    return normal(SIZE, dtype, scale=0.05)


def shrink(update, dtype):
    """The share of their size that weights lose in STEPS steps; `update(W, step)`."""
    W = weights(dtype)
    before = W.astype(np.float64)
    for step in range(STEPS):
        update(W, step)
    return float(1 - (W * before).sum() / np.square(before).sum())


def by_descent(share):
    def update(W, step):
        penalty_descent(W, 0.0, share, dither_of(W, step, 0, PENALTY))

    return update


def by_step(share):
    def update(W, step):
        taken = np.empty_like(W)
        penalty_step(W, 0.0, share, taken)
        sgd_update(W, taken, 1.0, dither_of(W, step, 0, PENALTY))

    return update


def by_decay(share):
    def update(W, step):
        weight_decay(W, LR, share / LR, dither_of(W, step, 0, DECAY))

    return update


def by_sgd(share):
    """The penalty in the gradient, which is otherwise zero."""

    def update(W, step):
        dW = np.zeros_like(W)
        penalty_gradient(W, 0.0, share / LR / 2, dW, dither_of(W, step, 0, GRADIENT))
        sgd_update(W, dW, LR, dither_of(W, step, 0, UPDATE))

    return update


def by_momentum(function):
    def with_share(share):
        velocity = {}

        def update(W, step):
            v = velocity.setdefault(0, np.zeros_like(W))
            dW = np.zeros_like(W)
            # Momentum of a half doubles the effect of a gradient.
            penalty_gradient(W, 0.0, share / LR / 4, dW, dither_of(W, step, 0, GRADIENT))
            function(W, dW, v, LR, 0.5, False, dither_of(W, step, 0, UPDATE))

        return update

    return with_share


ALONE = {
    "descent": by_descent,
    "step": by_step,
    "weight decay": by_decay,
    "gradient by sgd": by_sgd,
    "gradient by momentum": by_momentum(momentum_update),
    "gradient by momentum of steps": by_momentum(momentum_step_update),
}


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("way", ALONE.values(), ids=ALONE)
def test_weights_without_a_gradient_shrink_in_float32_as_in_float64(way, share):
    found, expected = shrink(way(share), np.float32), shrink(way(share), np.float64)
    assert expected == pytest.approx(STEPS * share, rel=0.02)
    assert found == pytest.approx(expected, rel=0.1)


def step_of_momentum(W, dW, v, share, step):
    # Momentum of a half doubles the effect of a gradient.
    penalty_gradient(W, 0.0, share / LR / 4, dW, dither_of(W, step, 0, GRADIENT))
    momentum_update(W, dW, v, LR, 0.5, False, dither_of(W, step, 0, UPDATE))


def step_taken_within_the_gradient(W, dW, v, share, step):
    penalty_descent(W, 0.0, share, dither_of(W, step, 0, PENALTY))
    sgd_update(W, dW, LR)


def step_with_weight_decay(W, dW, v, share, step):
    weight_decay(W, LR, share / LR, dither_of(W, step, 0, DECAY))
    rmsprop_update(W, dW, v, LR, 0.99, 1e-8)


WITH_GRADIENT = [step_of_momentum, step_taken_within_the_gradient, step_with_weight_decay]


@cache
def sparse_gradients():
    """The gradients of some steps, (60, SIZE), used repeatedly: most weights mostly have none."""
    rng = np.random.default_rng(5)
    shape = 60, SIZE
    return np.where(rng.random(shape) < 0.3, 1e-3 * rng.standard_normal(shape), 0)


@cache
def with_gradient(take, dtype, share):
    """The weights after STEPS steps."""
    W, v = weights(dtype), np.zeros(SIZE, dtype)
    gradients = sparse_gradients().astype(dtype)
    for step in range(STEPS):
        take(W, gradients[step % len(gradients)].copy(), v, share, step)
    return W.astype(np.float64)


@pytest.mark.parametrize("share", [1e-9, 2e-8, 1e-6])
@pytest.mark.parametrize("take", WITH_GRADIENT)
def test_weights_with_a_gradient_shrink_in_float32_as_in_float64(take, share):
    """The same gradients with the penalty and without: the difference is the penalty's effect."""

    def part(dtype):
        without = with_gradient(take, dtype, 0.0)
        taken = without - with_gradient(take, dtype, share)
        return float((taken * without).sum() / np.square(without).sum())

    assert part(np.float32) == pytest.approx(part(np.float64), rel=0.1)


@pytest.mark.parametrize("share", [1e-9, 1e-7])
def test_the_soft_threshold_draws_weights_nearer_by_what_it_says(share):
    def taken(dtype):
        W = np.full(SIZE, 0.05, dtype) + weights(dtype) / 100
        before = W.astype(np.float64)
        for step in range(STEPS):
            soft_threshold(W, 0.05 * share, dither_of(W, step, 0, PENALTY))
        return float((before - W).mean())

    assert taken(np.float32) == pytest.approx(taken(np.float64), rel=0.1)


@pytest.mark.parametrize("dither", [0.0, 1.0])
def test_a_step_of_zero_moves_nothing(dither):
    W = np.concatenate(
        [weights(np.float32), np.float32(2.0) ** np.arange(-20, 4, dtype=np.float32)]
    )
    W[:5] = 0
    before, none = W.copy(), np.zeros_like(W)
    state, other = np.zeros_like(W), np.zeros_like(W)
    for step in range(50):
        own = dither_of(W, step, 0, UPDATE) if dither else NONE
        sgd_update(W, none, LR, own)
        momentum_update(W, none, state, LR, 0.9, False, own)
        rmsprop_update(W, none, state, LR, 0.9, 1e-8, own)
        adam_update(W, none, state, other, LR, 0.9, 0.99, 1e-8, step + 1, own)
        penalty_descent(W, 0.0, 0.0, own)
        soft_threshold(W, 0.0, own)
    np.testing.assert_array_equal(W, before)


def test_the_soft_threshold_still_makes_exact_zeros():
    W = np.array([0.01, -0.01, 0.5, 0.0], np.float32)
    for step in range(20):
        soft_threshold(W, 0.001, dither_of(W, step, 0, PENALTY))
    assert (W[[0, 1, 3]] == 0).all()
    assert W[2] == pytest.approx(0.48, rel=1e-4)


def test_a_dither_follows_from_step_and_element_alone():
    W = weights(np.float32)
    whole, parts = W.copy(), W.copy()
    for step in range(30):
        penalty_descent(whole, 0.0, 1e-8, dither_of(whole, step, 7, PENALTY))
        for a, b in ((0, 3000), (3000, 9001), (9001, SIZE)):
            part = parts[a:b]
            penalty_descent(part, 0.0, 1e-8, dither_of(part, step, 7 + a, PENALTY))
    np.testing.assert_array_equal(whole, parts)


def test_float64_is_not_dithered():
    assert dither_of(weights(np.float64), 3, 0, PENALTY) == NONE


@pytest.mark.parametrize(
    "kernel_and_arguments",
    [
        (sgd_update, (np.float32(3e-9) * np.arange(300, dtype=np.float32), 1.0)),
        (soft_threshold, (1e-9,)),
    ],
    ids=["step", "soft threshold"],
)
def test_a_dither_has_the_same_bits_interpreted_and_compiled(kernel_and_arguments):
    kernel, arguments = kernel_and_arguments
    found, expected = (weights(np.float32)[:300] for _ in range(2))
    before = found.copy()
    for step in (*range(40), 2**31 + 5, 2**40 + 7):
        dither = dither_of(found, step, 12345, PENALTY)
        kernel(found, *arguments, dither)
        run_interpreted(kernel, expected, *arguments, dither)
    np.testing.assert_array_equal(found, expected)
    assert (found != before).any()
