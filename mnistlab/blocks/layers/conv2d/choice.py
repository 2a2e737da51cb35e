"""Selects the fastest of a convolution's kernels by an estimate of what each costs.

A cost is a number of multiplications for one filter and one image, with those of the unused parts
of vectors, in units of one by images side by side; infinite where kernels do not fit.
docs/decisions.md has the measured figures.
"""

import math
from enum import Enum, auto
from typing import NamedTuple

from mnistlab.blocks.layers.conv2d import without_patches
from mnistlab.blocks.layers.conv2d.ops import ConvOperands
from mnistlab.blocks.layers.conv2d.side_by_side import FILTERS, PIXELS, TILE
from mnistlab.runtime.params import rounded_up
from mnistlab.runtime.vectors import REGISTER


class Kernels(Enum):
    """The files with a convolution's kernels."""

    PATCHES = auto()  # maths.py
    WITHOUT_PATCHES = auto()
    SIDE_BY_SIDE = auto()
    FEWER_PRODUCTS = auto()


# A multiplication by rows, forward and back to the inputs.
FORWARD_BY_ROWS, BACK_BY_ROWS = 0.85, 1.1
# What it costs to interleave an output of several images.
INTERLEAVING = 2.0
# Four outputs of a 3 × 3 filter need 16 products with each map, not 36. The transforms of patches
# and sums cost more; all filters share the ones, all maps the others.
SQUARES, TRANSFORMS = 16 / 36, 2.0
# The same for the weights' gradient, which gains nothing with AVX2.
GRADIENT_SQUARES = 0.72 if REGISTER == 16 else math.inf

# Fewer images leave a tile mostly empty.
IMAGES_WORTH_TILES = TILE // 2
# Packing more weights takes longer than patches if there are fewer images. For the gradient of the
# inputs they are turned, too.
MOST_WEIGHTS_BY_ROWS, MOST_WEIGHTS_BACK_BY_ROWS = 150_000, 40_000
# With more filters the sums of the weights' gradient do not stay in the caches.
MOST_FILTERS_BY_ROWS = 64
# With fewer positions than this, a product by BLAS is faster.
POSITIONS_WORTH_TILES = 9
# Below this many maps, transforming patches, filters and sums costs more than it saves.
MAPS_WORTH_SQUARES, PRODUCTS_WORTH_SQUARES = 8, 128
MAPS_WORTH_SUMS = 32


class Correlation(NamedTuple):
    """`filters` maps (rows, columns) from `maps` maps (height, width) with a border of zeros: the
    forward pass, or the gradient of the inputs, where the pixels of a map are `spacing` apart.
    """

    filters: int
    rows: int
    columns: int
    maps: int
    height: int
    width: int
    side: int
    border: int
    stride: int = 1
    spacing: int = 1

    def by_rows(self, images: int, most_weights: int) -> float:
        """The cost of without_patches.py, but for the constant; few images may have at most so many
        weights.
        """
        is_large = self.rows >= without_patches.ROWS and self.columns >= REGISTER
        is_many = self.filters >= without_patches.FILTERS
        weights = self.filters * self.maps * self.side**2
        repays = images >= IMAGES_WORTH_TILES or weights <= most_weights
        if not (is_large and is_many and repays) or self.border < 0:
            return math.inf
        return self.rows * rounded_up(self.columns, REGISTER) * self.maps * self.side**2

    def side_by_side(self, places: float) -> float:
        """The cost of side_by_side.py, which leaves out most products with the border."""
        if self.filters < FILTERS or self.border < 0:
            return math.inf
        inside = self._inside(self.rows, self.height, 1)
        inside *= self._inside(self.columns, self.width, PIXELS)
        return places * (self.maps * inside + INTERLEAVING * self.rows * self.columns)

    def fewer_products(self, places: float) -> float:
        """The cost of fewer_products.py."""
        maps, filters = sorted((self.maps, self.filters))
        many = maps >= MAPS_WORTH_SQUARES and maps * filters >= PRODUCTS_WORTH_SQUARES
        is_plain = self.stride == self.spacing == 1 and 0 <= self.border < self.side
        if not (many and is_plain and self.side == 3):
            return math.inf
        blocks = rounded_up(-(-self.rows // 2) * -(-self.columns // 2), PIXELS)
        share = SQUARES + TRANSFORMS * (1 / maps + 1 / filters)
        return places * 4 * blocks * self.maps * self.side**2 * share

    def _inside(self, outputs: int, inputs: int, at_once: int) -> int:
        """How many outputs and taps of a line meet an input; outputs are computed together."""
        return at_once * sum(
            (first + at_once - 1) * self.stride + tap >= self.border
            and first * self.stride + tap < self.border + inputs
            for first in range(0, outputs, at_once)
            for tap in range(self.side)
        )


def forward_kernels(conv: ConvOperands, images: int) -> Kernels:
    """The kernels for the outputs of a batch of this many images."""
    sums = _forward(conv)
    by_rows = FORWARD_BY_ROWS * sums.by_rows(images, MOST_WEIGHTS_BY_ROWS)
    return _of_sums(sums, by_rows, _places(conv, images))


def input_gradient_kernels(conv: ConvOperands, images: int) -> Kernels:
    """The kernels for the gradient of the inputs."""
    sums, by_rows = _back(conv), math.inf
    if conv.stride == 1 and conv.side > 1:  # a patch of 1 × 1 is the pixel itself
        by_rows = BACK_BY_ROWS * sums.by_rows(images, MOST_WEIGHTS_BACK_BY_ROWS)
    return _of_sums(sums, by_rows, _places(conv, images))


def weights_gradient_kernels(conv: ConvOperands, images: int) -> Kernels:
    """The kernels for the gradient of the weights."""
    sums, places = _forward(conv), _places(conv, images)
    by_rows = sums.by_rows(images, MOST_WEIGHTS_BY_ROWS)
    products = conv.channels * conv.side**2 + INTERLEAVING
    tiled = places * conv.rows * conv.columns * products
    squares = sums.fewer_products(places) < math.inf
    squares = squares and min(conv.channels, conv.filters) >= MAPS_WORTH_SUMS
    return _cheapest(
        {
            Kernels.WITHOUT_PATCHES: by_rows if conv.filters <= MOST_FILTERS_BY_ROWS else math.inf,
            Kernels.SIDE_BY_SIDE: tiled if conv.filters >= FILTERS else math.inf,
            Kernels.FEWER_PRODUCTS: GRADIENT_SQUARES * tiled if squares else math.inf,
        }
    )


def _places(conv: ConvOperands, images: int) -> float:
    """The places in tiles for each image; infinite if tiles are not worth it."""
    if images < IMAGES_WORTH_TILES or conv.rows * conv.columns < POSITIONS_WORTH_TILES:
        return math.inf
    return rounded_up(images, TILE) / images


def _forward(conv: ConvOperands) -> Correlation:
    return Correlation(
        conv.filters, conv.rows, conv.columns, conv.channels, conv.height, conv.width,
        conv.side, conv.padding, stride=conv.stride,
    )  # fmt: skip


def _back(conv: ConvOperands) -> Correlation:
    return Correlation(
        conv.channels, conv.height, conv.width, conv.filters,
        (conv.rows - 1) * conv.stride + 1, (conv.columns - 1) * conv.stride + 1,
        conv.side, conv.side - 1 - conv.padding, spacing=conv.stride,
    )  # fmt: skip


def _of_sums(sums: Correlation, by_rows: float, places: float) -> Kernels:
    return _cheapest(
        {
            Kernels.WITHOUT_PATCHES: by_rows,
            Kernels.SIDE_BY_SIDE: sums.side_by_side(places),
            Kernels.FEWER_PRODUCTS: sums.fewer_products(places),
        }
    )


def _cheapest(costs: dict[Kernels, float]) -> Kernels:
    """The kernels with the least cost; patches, which always fit, if no others do."""
    best = min(costs, key=lambda kernels: costs[kernels])
    return best if costs[best] < math.inf else Kernels.PATCHES
