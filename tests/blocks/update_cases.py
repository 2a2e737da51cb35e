"""Cases of the kernels that change weights: optimizers, penalties, bounds."""

import numpy as np
import pytest
from kernel_helpers import (
    normal,
)

from mnistlab.blocks.optimizers import _clip, adadelta, adagrad, adam, adamw, rmsprop, sgd
from mnistlab.blocks.penalties import maths as penalties
from mnistlab.runtime.dither import PENALTY, dither_of


def update_cases():
    def case(kernel, states, *hyperparameters):
        def make(dtype):
            arrays = [normal(300, dtype, seed) for seed in range(2)]
            arrays += [np.abs(normal(300, dtype, 5 + seed)) for seed in range(states)]
            return (*arrays, *hyperparameters)

        name = " ".join([kernel.__name__, *map(str, hyperparameters)])
        return pytest.param(kernel, make, id=name)

    yield case(sgd.sgd_update, 0, 0.1)
    for kernel in (sgd.momentum_update, sgd.momentum_step_update):
        for nesterov in (False, True):
            yield case(kernel, 1, 0.1, 0.9, nesterov)
    for t in (1, 1000):
        yield case(adam.adam_update, 2, 0.01, 0.9, 0.999, 1e-8, t)
    yield case(rmsprop.rmsprop_update, 1, 0.01, 0.99, 1e-8)
    yield case(adagrad.adagrad_update, 1, 0.01, 1e-8)
    yield case(adadelta.adadelta_update, 2, 1.0, 0.9, 1e-6)

    def dithered(kernel, states, *hyperparameters):
        def make(dtype):
            arrays = [normal(300, dtype, seed) for seed in range(2)]
            arrays += [np.abs(normal(300, dtype, 5 + seed)) for seed in range(states)]
            return (*arrays, *hyperparameters, dither_of(arrays[0], 7, 20, PENALTY))

        return pytest.param(kernel, make, id=f"{kernel.__name__} dithered")

    yield dithered(sgd.sgd_update, 0, 1e-9)
    for kernel in (sgd.momentum_update, sgd.momentum_step_update):
        yield dithered(kernel, 1, 1e-9, 0.9, False)
    yield dithered(adam.adam_update, 2, 1e-9, 0.9, 0.999, 1e-8, 3)
    yield dithered(rmsprop.rmsprop_update, 1, 1e-9, 0.99, 1e-8)
    yield dithered(adagrad.adagrad_update, 1, 1e-9, 1e-8)
    yield dithered(adadelta.adadelta_update, 2, 1e-9, 0.9, 1e-6)

    def weights(dtype):
        return normal(300, dtype) * (np.arange(300) % 3 > 0)

    def alone(kernel, make):
        return pytest.param(kernel, make, id=kernel.__name__)

    yield alone(adamw.weight_decay, lambda t: (weights(t), 0.1, 0.05))
    yield alone(penalties.penalty_gradient, lambda t: (weights(t), 0.1, 0.2, normal(300, t, 1)))
    yield alone(penalties.signed, lambda t: (t(0.1), t(-3)))
    yield alone(penalties.penalty_step, lambda t: (weights(t), 0.1, 0.2, np.empty(300, t)))
    yield alone(penalties.penalty_descent, lambda t: (weights(t), 0.1, 0.2))
    for square in (0.0, 5.0, np.inf, np.nan):
        yield pytest.param(
            penalties.norm_factor, lambda t, s=square: (t(s), 0.7), id=f"norm_factor {square}"
        )
    yield alone(_clip.clip_elements, lambda t: (normal(300, t), 0.5))
    yield alone(_clip.sum_of_squares, lambda t: (np.round(normal(300, t, scale=9)),))
    for bound in (1.0, 1e3):
        yield pytest.param(
            _clip.scale_to_norm,
            lambda t, bound=bound: (normal(300, t), np.array([3.0, 0.0, 9.0]), bound),
            id=f"scale_to_norm {bound}",
        )
    yield alone(
        penalties.limit_columns, lambda t: (weights(t), 20, 5, 6, 11, 3, 2.7, np.zeros(3, t))
    )
    yield alone(penalties.limit_rows, lambda t: (weights(t), 20, 3.7))
    yield alone(penalties.soft_threshold, lambda t: (weights(t), 0.5))
