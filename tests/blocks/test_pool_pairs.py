"""Pooling of adjacent 2 × 2 patches, compared with the plain definition."""

import numpy as np
import pytest
from kernel_helpers import FAST_DTYPES, normal

from mnistlab.blocks.layers.pool2d import maths, pairs
from mnistlab.runtime.vectors import REGISTER

MAPS = 6
# Fewer patches in a row than a vector has, as many, and more: whole vectors, and one that overlaps.
SHAPES = [(2, 2), (2, 3), (8, 8), (13, 11), (4, 2 * REGISTER), (6, 4 * REGISTER + 7)]


def pooled(kind, x, dy):
    """(y, dx) by the kernels for pairs, in memory that was filled with NaN."""
    y, dx = np.full_like(dy, np.nan), np.full_like(x, np.nan)
    sizes = MAPS, *x.shape[2:]
    if kind == "max":
        pairs.max_pool_forward_2(x.reshape(-1), y.reshape(-1), *sizes)
        pairs.max_pool_backward_2(x.reshape(-1), dy.reshape(-1), dx.reshape(-1), *sizes)
    else:
        pairs.average_pool_forward_2(x.reshape(-1), y.reshape(-1), *sizes)
        pairs.average_pool_backward_2(dy.reshape(-1), dx.reshape(-1), *sizes)
    return y, dx


def plainly_pooled(kind, x, dy):
    y, dx = np.zeros_like(dy), np.zeros_like(x)
    if kind == "max":
        maths.max_pool_forward(x, y, 2, 2)
        maths.max_pool_backward(x, dy, dx, 2, 2)
    else:
        maths.average_pool_forward(x, y, 2, 2)
        maths.average_pool_backward(dy, dx, 2, 2)
    return y, dx


@pytest.mark.parametrize("dtype", FAST_DTYPES)
@pytest.mark.parametrize("kind", ["max", "average"])
@pytest.mark.parametrize("shape", SHAPES)
def test_pools_of_pairs_are_the_plain_definition_s(shape, kind, dtype):
    # Small integers: ties, of which the first counts, and sums without rounding.
    x = np.random.default_rng(0).integers(-3, 4, (3, 2, *shape)).astype(dtype)
    dy = normal((3, 2, shape[0] // 2, shape[1] // 2), dtype)
    for found, expected in zip(pooled(kind, x, dy), plainly_pooled(kind, x, dy), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("place", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_a_pool_of_pairs_passes_a_nan_on(place):
    x = normal((3, 2, 6, 10))
    x[0, 0, 2 + place[0], 4 + place[1]] = np.nan
    y, _ = pooled("max", x, normal((3, 2, 3, 5)))
    assert np.isnan(y).sum() == 1
    assert np.isnan(y[0, 0, 1, 2])
