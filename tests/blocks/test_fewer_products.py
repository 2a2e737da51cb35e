"""The convolution with fewer products, compared with the plain definition."""

import numpy as np
import pytest
from fewer_products_cases import SQUARES, Squares
from kernel_helpers import FAST_DTYPES, normal
from test_side_by_side import images_of, near, tile_of

from mnistlab.blocks.layers.conv2d import fewer_products, fewer_products_gradient, maths
from mnistlab.blocks.layers.conv2d.side_by_side import TILE

IMAGES = TILE - 3


def drawn(layer, dtype):
    s = Squares(*layer)
    x = normal((IMAGES, s.channels, s.high, s.wide), dtype, 1)
    W = normal((s.filters, s.channels, 3, 3), dtype, 2)
    dy = normal((IMAGES, s.filters, s.rows, s.columns), dtype, 3)
    return s, x, W, dy, np.zeros(s.channels * 9 * s.rows * s.columns, dtype)


def convolved(s, x, W, b):
    """The outputs of `correlate_3x3`, whose scratch was filled with NaN."""
    squares = np.full(s.filter_squares, np.nan, x.dtype)
    fewer_products.transform_filters(W.ravel(), s.filters, s.channels, squares)
    y, scratch = np.full(s.outputs * TILE, np.nan, x.dtype), np.full(s.squares, np.nan, x.dtype)
    tile = tile_of(x, x[0].size)
    fewer_products.correlate_3x3(*s.forward(tile, squares, b, y, scratch))
    return images_of(y, np.zeros((len(x), s.filters, s.rows, s.columns), x.dtype))


@pytest.mark.parametrize("dtype", FAST_DTYPES)
@pytest.mark.parametrize("layer", SQUARES)
def test_forward_is_the_plain_definition_s(layer, dtype):
    s, x, W, dy, scratch = drawn(layer, dtype)
    b, expected = normal((s.filters, 1), dtype, 4), np.zeros_like(dy)
    maths.conv2d_forward(x, W, b, expected, scratch, 1, 0)
    near(convolved(s, x, W, b.ravel()), expected)


@pytest.mark.parametrize("dtype", FAST_DTYPES)
@pytest.mark.parametrize("layer", SQUARES)
def test_the_weights_gradient_is_the_plain_definition_s(layer, dtype):
    s, x, W, dy, scratch = drawn(layer, dtype)
    expected = np.zeros_like(W)
    maths.conv2d_backward_weights(x, dy, expected, np.zeros((s.filters, 0), dtype), scratch, 1, 0)
    squares, found = np.full(s.sum_squares, np.nan, dtype), np.full(W.size, np.nan, dtype)
    sums = np.zeros(s.sums, dtype)
    deltas = tile_of(dy, dy[0].size)
    fewer_products_gradient.add_squares(*s.gradient(tile_of(x, x[0].size), deltas, squares, sums))
    fewer_products_gradient.filters_from_squares(sums, squares, found, s.filters, s.channels)
    near(found.reshape(W.shape), expected)


@pytest.mark.parametrize("layer", SQUARES)
def test_the_output_of_a_blank_patch_is_exactly_the_bias(layer):
    """So ReLU's kink is where the plain definition has it, even if neighbours are not blank."""
    s, x, W, _, _ = drawn(layer, np.float32)
    x *= np.random.default_rng(5).random(x.shape[2:]) < 0.15
    seen = np.lib.stride_tricks.sliding_window_view(np.abs(x).sum(axis=1), (3, 3), axis=(1, 2))
    blank = seen.sum(axis=(3, 4)) == 0
    b = normal(s.filters, np.float32, 4)
    y = convolved(s, x, W, b).swapaxes(0, 1)
    assert (y[:, blank] == b[:, np.newaxis]).all()
    assert blank.any() or layer == SQUARES[0]
    assert not blank.all()


def test_float32_loses_no_more_than_the_plain_definition():
    """For 64 channels, compared with float64: fewer numbers are added one after another."""
    s = Squares(64, 8, 6, 6)
    x, W = normal((TILE, 64, 6, 6), np.float64, 1), normal((8, 64, 3, 3), np.float64, 2)
    exact, plain = np.zeros((TILE, 8, 4, 4)), np.zeros((TILE, 8, 4, 4), np.float32)
    scratch, none = np.zeros(64 * 9 * 16), np.zeros((8, 0))
    x, W = x.astype(np.float32), W.astype(np.float32)
    maths.conv2d_forward(x.astype(np.float64), W.astype(np.float64), none, exact, scratch, 1, 0)
    maths.conv2d_forward(x, W, none.astype(np.float32), plain, scratch.astype(np.float32), 1, 0)
    found = convolved(s, x, W, none.astype(np.float32).ravel())
    assert np.square(found - exact).mean() < 4 * np.square(plain - exact).mean()
