"""Every kernel of batch normalisation, on whole arrays and on some of their channels."""

import numpy as np
import pytest
from kernel_helpers import normal, run_interpreted

from mnistlab.blocks.layers.batch_norm import maths

SHAPES = {"units": (7, 5, 1), "maps": (3, 4, 6)}
EPSILON = 1e-5


def forwarded(x, dtype):
    """What the forward pass stores for the backward pass."""
    statistics = np.empty((maths.STATISTICS, x.shape[1]), dtype)
    run_interpreted(maths.batch_statistics, x, EPSILON, statistics)
    return statistics


def batch_norm_cases():
    for name, shape in SHAPES.items():
        yield from _cases_of(name, shape, slice(None))
        yield from _cases_of(f"some {name}", shape, slice(1, 4))


def _cases_of(name, shape, some):
    def arrays(dtype):
        x, dy, y = (normal(shape, dtype, seed)[:, some] for seed in range(3))
        scale, shift, mean = (normal(shape[1], dtype, seed)[some] for seed in range(3, 6))
        return x, dy, y, scale, shift, mean, np.abs(mean) + dtype(0.5)

    def case(kernel, choose):
        def make(dtype):
            x, dy, y, scale, shift, mean, variance = arrays(dtype)
            statistics = forwarded(x, dtype)
            return choose(x, dy, y, scale, shift, mean, variance, statistics)

        return pytest.param(kernel, make, id=f"{kernel.__name__} {name}")

    yield case(maths.channel_sums, lambda x, *_: (x, 1, 0.25))
    yield case(maths.normalised, lambda x, *rest: (x[0, 1, 0], rest[-1], 1))
    yield case(maths.batch_statistics, lambda x, *rest: (x, EPSILON, rest[-1]))
    yield case(
        maths.batch_norm_forward,
        lambda x, dy, y, scale, shift, mean, variance, found: (x, scale, shift, found, y),
    )
    yield case(
        maths.batch_norm_backward_weights,
        lambda x, dy, y, scale, shift, mean, variance, found: (x, dy, found, scale, shift),
    )
    yield case(
        maths.batch_norm_backward_input,
        lambda x, dy, y, scale, shift, mean, variance, found: (x, dy, found, scale, shift, mean, y),
    )
    yield case(
        maths.update_running,
        lambda x, dy, y, scale, shift, mean, variance, found: (found, 7, 0.9, mean, variance),
    )
    yield case(
        maths.running_forward,
        lambda x, dy, y, scale, shift, mean, variance, found: (
            *(x, scale, shift, mean, variance),
            *(EPSILON, y),
        ),
    )
    yield case(
        maths.running_backward_input,
        lambda x, dy, y, scale, shift, mean, variance, found: (dy, scale, variance, EPSILON, y),
    )
