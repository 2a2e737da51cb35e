"""Convolutions with fewer products, and cases of their kernels against the interpreted ones."""

import numpy as np
import pytest
from kernel_helpers import normal

from mnistlab.blocks.layers.conv2d import fewer_products, fewer_products_gradient
from mnistlab.blocks.layers.conv2d.fewer_products import APART, PLACES, SIDE
from mnistlab.blocks.layers.conv2d.fewer_products_gradient import PATCHES
from mnistlab.blocks.layers.conv2d.side_by_side import (
    FILTERS,
    PIECE,
    TILE,
    tile_size,
)
from mnistlab.runtime.params import rounded_up

# channels, filters, height and width of the framed images: outputs of odd and even sides, fewer
# patches than a block and more, filters and channels no multiple of what is summed at once
SQUARES = [(1, 4, 3, 3), (5, 7, 6, 5), (4, 6, 5, 12), (8, 5, 10, 9)]


class Squares:
    """The sizes of such a convolution of a tile of images, and its arguments."""

    def __init__(self, channels, filters, high, wide):
        self.channels, self.filters, self.high, self.wide = channels, filters, high, wide
        self.rows, self.columns = high - 2, wide - 2
        self.across, self.down = (self.columns + 1) // 2, (self.rows + 1) // 2
        self.framed = tile_size(channels * high * wide)
        self.outputs = filters * self.rows * self.columns
        self.filter_squares = PLACES * rounded_up(filters, FILTERS) * channels
        self.squares = fewer_products.squares_size(channels, filters)
        self.sums, self.sum_squares = fewer_products_gradient.sums_sizes(channels, filters)

    def forward(self, framed, squares, b, y, scratch):
        """The arguments of `correlate_3x3`."""
        return framed, squares, b, y, scratch, self.channels, self.high, self.wide, self.filters

    def gradient(self, framed, dy, scratch, sums):
        """Those of `add_squares`."""
        return framed, dy, scratch, sums, self.channels, self.high, self.wide, self.filters


def fewer_products_cases():
    for layer in SQUARES:
        s = Squares(*layer)

        def case(kernel, make, name="", layer=layer):
            return pytest.param(kernel, make, id=f"{kernel.__name__} {layer} {name}")

        def filters(t, s=s):
            W = normal(s.filters * s.channels * 9, t)
            return W, s.filters, s.channels, np.zeros(s.filter_squares, t)

        def products(t, s=s):
            size = rounded_up(s.filters, FILTERS) * s.channels
            x = normal(s.channels * PIECE, t, 1)
            return normal(size, t), x, s.channels, s.filters, np.zeros(s.filters * PIECE, t)

        def back(t, s=s):
            sums, y = normal(PLACES * (s.filters * PIECE + APART), t), np.zeros(s.outputs * TILE, t)
            return sums, normal(s.filters, t, 1), s.filters, s.rows, s.columns, 0, y

        def forward(t, s=s):
            framed, squares = normal(s.framed, t), normal(s.filter_squares, t, 1)
            y, scratch = np.zeros(s.outputs * TILE, t), np.zeros(s.squares, t)
            return s.forward(framed, squares, np.zeros(0, t), y, scratch)

        def gradient(t, s=s):
            dy, scratch = normal(s.outputs * TILE, t, 1), np.zeros(s.sum_squares, t)
            return s.gradient(normal(s.framed, t), dy, scratch, normal(s.sums, t, 2))

        def filters_back(t, s=s):
            dW = np.zeros(s.filters * s.channels * 9, t)
            return normal(s.sums, t), np.zeros(s.sum_squares, t), dW, s.filters, s.channels

        yield case(fewer_products.transform_filters, filters)
        yield case(fewer_products.multiply, products)
        yield case(fewer_products.transform_back, back)
        yield case(fewer_products.correlate_3x3, forward)
        yield case(fewer_products_gradient.add_squares, gradient)
        yield case(fewer_products_gradient.filters_from_squares, filters_back)
        for i in range(SIDE):

            def patches(t, s=s, i=i):
                squares = np.zeros(SIDE * (s.channels * PATCHES * TILE + APART), t)
                sizes = s.channels, s.high, s.wide, s.across, 0, PATCHES, s.down * s.across - 1
                return normal(s.framed, t), *sizes, i, i + 1, squares

            def deltas(t, s=s, i=i):
                squares = np.zeros(SIDE * (s.filters * PATCHES * TILE + APART), t)
                dy = normal(s.outputs * TILE, t)
                return dy, s.filters, s.rows, s.columns, 0, i, squares

            yield case(fewer_products.transform_patches, patches, i)
            yield case(fewer_products_gradient.transform_gradient, deltas, i)
