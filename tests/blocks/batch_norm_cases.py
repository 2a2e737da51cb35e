"""Every kernel of batch normalisation, on whole arrays and on some of their channels."""

import numpy as np
import pytest
from kernel_helpers import normal, run_interpreted

from mnistlab.blocks.layers.batch_norm import lines, map_lines, maths, unit_lines

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
    yield from _line_cases()
    yield from _map_cases()
    yield from _unit_cases()


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
        maths.running_factors,
        lambda x, dy, y, scale, shift, mean, variance, found: (scale, variance, EPSILON, mean),
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


def _line_cases():
    """Sums and sweeps over one line."""

    def case(kernel, *scalars, vectors):
        def make(dtype):
            arrays = [normal(70, dtype, seed) for seed in range(vectors + 1)]
            return (*arrays[:-1], *map(dtype, scalars), *arrays[-1:])

        return pytest.param(kernel, make, id=kernel.__name__)

    def sums(kernel, vectors):
        def make(dtype):
            return (*(normal(70, dtype, seed) for seed in range(vectors)), dtype(0.25))

        return pytest.param(kernel, make, id=kernel.__name__)

    yield pytest.param(lines.line_of, lambda dtype: (normal(70, dtype), 2, 9), id="line_of")
    yield sums(map_lines.line_sum, 1)
    yield sums(map_lines.line_sums, 1)
    yield sums(map_lines.line_products, 2)
    yield case(map_lines.line_forward, 0.25, 2, 3, vectors=1)
    yield case(map_lines.line_backward, 0.25, 2, 3, 4, vectors=2)
    for kernel, vectors in (
        (unit_lines.add_distances, 4),
        (unit_lines.add_products, 5),
        (unit_lines.row_forward, 5),
        (unit_lines.row_backward, 7),
    ):
        yield pytest.param(
            kernel,
            lambda dtype, vectors=vectors: tuple(
                normal(70, dtype, seed) for seed in range(vectors)
            ),
            id=kernel.__name__,
        )
    yield pytest.param(
        lines.set_part,
        lambda dtype: (normal((lines.PART, 5), dtype), 2, 9, dtype(0.5), 0.25, 1.5),
        id="set_part",
    )
    for kernel in (unit_lines.begin_sums, unit_lines.end_block):
        yield pytest.param(
            kernel, lambda dtype: (normal((lines.PART, 5), dtype),), id=kernel.__name__
        )


def _arrays(shape, dtype):
    """x, dy, y, scale, shift, statistics, a lane's part."""
    x, dy, y = (normal(shape, dtype, seed) for seed in range(3))
    scale, shift = normal(shape[1], dtype, 3), normal(shape[1], dtype, 4)
    part = normal((lines.PART, shape[1]), dtype, 5)
    return *(one.reshape(-1) for one in (x, dy, y)), scale, shift, forwarded(x, dtype), part


def _parts(channels, dtype):
    """The scratch of three lanes, with positive variances and numbers of images."""
    return np.abs(normal((3, lines.PART * channels + 3), dtype, 6)) + dtype(0.5)


def _map_cases():
    a, b, channels, positions = 1, 4, 3, 18
    of = a, b, channels, positions

    def case(kernel, choose):
        def make(dtype):
            return choose(*_arrays((5, channels, positions), dtype))

        return pytest.param(kernel, make, id=kernel.__name__)

    yield case(map_lines.map_part, lambda x, dy, y, scale, shift, found, part: (x, *of, part))
    yield case(
        map_lines.map_forward,
        lambda x, dy, y, scale, shift, found, part: (x, *of, scale, shift, found, y),
    )
    yield case(
        map_lines.map_gradient_part,
        lambda x, dy, y, scale, shift, found, part: (x, dy, *of, found, part),
    )
    yield case(
        map_lines.map_backward_input,
        lambda x, dy, y, scale, shift, found, part: (
            *(x, dy, *of, 5 * positions, found),
            *(scale, shift, scale.copy(), y),
        ),
    )


def _unit_cases():
    a, b, channels = 2, 70, 20
    of = a, b, channels

    def case(kernel, choose):
        def make(dtype):
            return choose(*_arrays((72, channels, 1), dtype))

        return pytest.param(kernel, make, id=kernel.__name__)

    yield case(
        unit_lines.unit_sums,
        lambda x, dy, y, scale, shift, found, part: (x, *of, scale, part),
    )
    yield case(unit_lines.unit_part, lambda x, dy, y, scale, shift, found, part: (x, *of, part))
    yield case(
        unit_lines.unit_forward,
        lambda x, dy, y, scale, shift, found, part: (x, *of, scale, shift, found, part, y),
    )
    yield case(
        unit_lines.unit_gradient_part,
        lambda x, dy, y, scale, shift, found, part: (x, dy, *of, found, part),
    )
    yield case(
        unit_lines.unit_backward_input,
        lambda x, dy, y, scale, shift, found, part: (
            *(x, dy, *of, 72, found, scale, shift),
            *(scale.copy(), part, y),
        ),
    )
    yield case(
        lines.combine_gradients,
        lambda x, dy, y, scale, shift, found, part: (
            _parts(channels, x.dtype.type),
            *(found, scale, shift),
        ),
    )
    yield case(
        lines.combine_statistics,
        lambda x, dy, y, scale, shift, found, part: (
            _parts(channels, x.dtype.type),
            *(channels, EPSILON, found),
        ),
    )
