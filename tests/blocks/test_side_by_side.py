"""The convolution of images side by side, compared with the plain definition."""

import numpy as np
import pytest
from kernel_helpers import FAST_DTYPES, TOLERANCE, normal
from side_by_side_cases import LAYERS, Tiles

from mnistlab.blocks.layers.conv2d import maths, side_by_side, without_patches
from mnistlab.blocks.layers.conv2d.side_by_side import FILTERS, TILE, tile_size
from mnistlab.runtime.params import rounded_up


def near(found, expected):
    tolerance = 30 * TOLERANCE[expected.dtype] * max(1.0, np.abs(expected).max())
    assert np.abs(found - expected).max() <= tolerance


def tile_of(images, size):
    """The images (n, …) interleaved into a tile, in memory that was filled with NaN."""
    tile = np.full(tile_size(size), np.nan, images.dtype)
    side_by_side.turn_images_in(images.reshape(-1), size, tile)
    return tile


def images_of(tile, images):
    """A tile converted back to as many images as `images` has."""
    found = np.full_like(images, np.nan)
    side_by_side.turn_images_out(tile, images[0].size, found.reshape(-1))
    return found


def drawn(layer, images, dtype):
    """(sizes, x, W, dy, scratch of the plain definition)."""
    tiles = Tiles(*layer)
    x = normal((images, tiles.channels, tiles.height, tiles.width), dtype, 1)
    W = normal((tiles.filters, tiles.channels, tiles.side, tiles.side), dtype, 2)
    dy = normal((images, tiles.filters, tiles.rows, tiles.columns), dtype, 4)
    return tiles, x, W, dy, np.zeros(tiles.taps * tiles.rows * tiles.columns, dtype)


def framed_of(tiles, x):
    framed = np.full(tiles.framed, np.nan, x.dtype)
    side_by_side.frame(*tiles.frame(tile_of(x, tiles.inputs), framed))
    return framed


@pytest.mark.parametrize("dtype", FAST_DTYPES)
@pytest.mark.parametrize("images", [1, TILE - 3, TILE])
@pytest.mark.parametrize("layer", LAYERS)
def test_forward_is_the_plain_definition_s(layer, images, dtype):
    tiles, x, W, dy, scratch = drawn(layer, images, dtype)
    b = normal((tiles.filters, 1), dtype, 3)
    expected = np.zeros_like(dy)
    maths.conv2d_forward(x, W, b, expected, scratch, tiles.stride, tiles.padding)
    packed = np.full(tiles.packed, np.nan, dtype)
    without_patches.pack_filters(W.ravel(), tiles.filters, tiles.taps, packed)
    y = np.full(tiles.outputs * TILE, np.nan, dtype)
    side_by_side.correlate(*tiles.forward(framed_of(tiles, x), packed, b.ravel(), y))
    near(images_of(y, expected), expected)


@pytest.mark.parametrize("dtype", FAST_DTYPES)
@pytest.mark.parametrize("images", [1, TILE])
@pytest.mark.parametrize("layer", LAYERS)
def test_the_weights_gradient_is_the_plain_definition_s(layer, images, dtype):
    tiles, x, W, dy, scratch = drawn(layer, images, dtype)
    expected = np.zeros_like(W)
    nothing = np.zeros((tiles.filters, 0), dtype)
    maths.conv2d_backward_weights(x, dy, expected, nothing, scratch, tiles.stride, tiles.padding)
    sums, found = np.zeros(tiles.sums, dtype), np.full(W.size, np.nan, dtype)
    deltas = tile_of(dy, tiles.outputs)
    side_by_side.add_products(*tiles.products(framed_of(tiles, x), deltas, sums))
    side_by_side.in_order(sums, found, tiles.filters, tiles.taps)
    near(found.reshape(W.shape), expected)


@pytest.mark.parametrize("dtype", FAST_DTYPES)
@pytest.mark.parametrize("layer", [layer for layer in LAYERS if layer[0] >= FILTERS])
def test_the_input_gradient_is_a_convolution_with_the_flipped_filters(layer, dtype):
    tiles, x, W, dy, scratch = drawn(layer, TILE - 1, dtype)
    expected = np.zeros_like(x)
    maths.conv2d_backward_input(dy, W, expected, scratch, tiles.stride, tiles.padding)
    turned = np.full(W.swapaxes(0, 1).shape, np.nan, dtype)
    without_patches.turn_filters(W, turned)
    taps = tiles.filters * tiles.side**2
    packed = np.full(rounded_up(tiles.channels, FILTERS) * taps, np.nan, dtype)
    without_patches.pack_filters(turned.ravel(), tiles.channels, taps, packed)
    high, wide = tiles.height + tiles.side - 1, tiles.width + tiles.side - 1
    border = tiles.side - 1 - tiles.padding
    lines, across = (tiles.rows - 1) * tiles.stride + 1, (tiles.columns - 1) * tiles.stride + 1
    framed = np.full(tile_size(tiles.filters * high * wide), np.nan, dtype)
    side_by_side.frame(
        tile_of(dy, tiles.outputs), framed, tiles.filters, tiles.rows, tiles.columns, border,
        tiles.stride, high, wide, 1,
    )  # fmt: skip
    dx = np.full(tiles.inputs * TILE, np.nan, dtype)
    side_by_side.correlate(
        framed, packed, packed[:0], dx, tiles.filters, high, wide, border, lines, across,
        tiles.stride, tiles.channels, tiles.height, tiles.width, tiles.side, 1,
    )  # fmt: skip
    near(images_of(dx, x), expected)


def test_images_that_are_not_there_are_zeros():
    tile = tile_of(normal((3, 40)), 40)[: 40 * TILE].reshape(40, TILE)
    assert (tile[:, 3:] == 0).all()
    np.testing.assert_array_equal(tile[:, :3].T, normal((3, 40)))
