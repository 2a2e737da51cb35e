"""Convolutions of images side by side, and cases of their kernels against the interpreted ones."""

import numpy as np
import pytest
from kernel_helpers import normal

from mnistlab.blocks.layers.conv2d import side_by_side
from mnistlab.blocks.layers.conv2d.side_by_side import (
    FILTERS,
    PIXELS,
    TAPS,
    TILE,
    tile_size,
)
from mnistlab.runtime.params import rounded_up

# channels, filters, height, width, side, stride, padding: rows that end within a piece, filters
# and taps no multiple of what is summed at once, images smaller than a square that is turned
LAYERS = [
    (1, 4, 5, 7, 3, 1, 0), (2, 6, 6, 5, 3, 1, 1), (4, 5, 7, 6, 5, 1, 2), (5, 9, 8, 9, 2, 2, 1),
    (4, 7, 9, 8, 3, 3, 0), (6, 4, 3, 3, 1, 1, 0), (4, 4, 2, PIXELS, 1, 2, 0),
]  # fmt: skip


class Tiles:
    """The sizes of a convolution of a tile of images, and its arguments."""

    def __init__(self, channels, filters, height, width, side, stride, padding):
        self.channels, self.filters, self.height, self.width = channels, filters, height, width
        self.side, self.stride, self.padding = side, stride, padding
        self.rows = (height + 2 * padding - side) // stride + 1
        self.columns = (width + 2 * padding - side) // stride + 1
        self.high, self.wide = height + 2 * padding, -(-(width + 2 * padding) // stride)
        self.inputs, self.outputs = channels * height * width, filters * self.rows * self.columns
        self.taps = channels * side * side
        self.framed = tile_size(channels * self.high * stride * self.wide)
        self.packed = rounded_up(filters, FILTERS) * self.taps
        self.sums = rounded_up(filters, FILTERS) * rounded_up(self.taps, TAPS)
        self.offsets = np.zeros(rounded_up(self.taps, TAPS), np.uint32)
        side_by_side.tap_offsets.py_func(*self.tap_sizes(), self.offsets)

    def tap_sizes(self):
        return self.channels, self.high, self.wide, self.side, self.stride

    def frame(self, tile, framed):
        """The arguments of `frame`, forward."""
        sizes = self.channels, self.height, self.width, self.padding, 1
        return tile, framed, *sizes, self.high, self.width + 2 * self.padding, self.stride

    def forward(self, framed, packed, b, y):
        """Those of `correlate`."""
        lines = self.channels, self.high, self.wide, self.padding, self.height, self.width, 1
        outputs = self.filters, self.rows, self.columns, self.side, self.stride
        return framed, packed, b, y, *lines, *outputs

    def products(self, framed, dy, sums):
        """Those of `add_products`."""
        down = self.stride**2 * self.wide
        return framed, self.offsets, dy, sums, self.filters, self.rows, self.columns, down


def side_by_side_cases():
    for layer in LAYERS:
        tiles = Tiles(*layer)

        def case(kernel, make, layer=layer):
            return pytest.param(kernel, make, id=" ".join(map(str, [kernel.__name__, *layer])))

        def frame(t, tiles=tiles):
            return tiles.frame(normal(tiles.inputs * TILE, t), normal(tiles.framed, t, 1))

        def forward(t, tiles=tiles, b=tiles.filters if layer[0] > 1 else 0):
            packed, y = normal(tiles.packed, t, 1), normal(tiles.outputs * TILE, t, 3)
            return tiles.forward(normal(tiles.framed, t), packed, normal(b, t, 2), y)

        def products(t, tiles=tiles):
            dy, sums = normal(tiles.outputs * TILE, t, 1), normal(tiles.sums, t, 2)
            return tiles.products(normal(tiles.framed, t), dy, sums)

        def lines(t, tiles=tiles):
            at = tiles.columns * TILE
            filters = 0, at, 0, at
            return (
                normal(tiles.framed, t), 0, TILE, 0, at, normal(tiles.outputs * TILE, t, 1),
                *filters, 0, min(2, tiles.rows), min(2, tiles.columns), normal(tiles.sums, t, 2), 0,
            )  # fmt: skip

        def offsets(t, tiles=tiles):
            return *tiles.tap_sizes(), np.zeros_like(tiles.offsets)

        def summed(t, tiles=tiles):
            dW = normal(tiles.filters * tiles.taps, t, 1)
            return normal(tiles.sums, t), dW, tiles.filters, tiles.taps

        def biases(t, tiles=tiles):
            return normal(tiles.outputs * TILE, t), normal(tiles.outputs, t, 1)

        yield case(side_by_side.frame, frame)

        def inside(t, tiles=tiles):
            return 1, tiles.padding, tiles.width, tiles.side, tiles.stride

        yield case(side_by_side.taps_inside, inside)
        yield case(side_by_side.correlate, forward)
        yield case(side_by_side.add_products, products)
        yield case(side_by_side.add_lines, lines)
        yield case(side_by_side.tap_offsets, offsets)
        yield case(side_by_side.in_order, summed)
        yield case(side_by_side.add_to_pixels, biases)
    for size in (TILE - 3, TILE, 2 * TILE + 5):
        for images in (1, TILE - 1, TILE):

            def turn_in(t, size=size, images=images):
                return normal(images * size, t), size, normal(size * TILE, t, 1)

            def turn_out(t, size=size, images=images):
                return normal(size * TILE, t), size, normal(images * size, t, 1)

            name = f"{size} {images}"
            yield pytest.param(side_by_side.turn_images_in, turn_in, id=f"turn in {name}")
            yield pytest.param(side_by_side.turn_images_out, turn_out, id=f"turn out {name}")
