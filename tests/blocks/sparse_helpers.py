"""Kernels compiled for a constant number of lanes, and sparse numbers."""

import numpy as np

from mnistlab.blocks.layers.dense.one_image import (
    one_image_backward_weights,
    one_image_forward,
)
from mnistlab.blocks.layers.dense.sparse_hidden import sparse_backward, sparse_forward
from mnistlab.blocks.layers.dense.sparse_input import (
    sparse_input_backward_weights,
    sparse_input_forward,
)
from mnistlab.runtime.kernel import kernel


def forward_of_lanes(lanes):
    @kernel
    def forward(by_image, turned, values, size, first, last, W, b, width, tile, y, stride):
        sparse_input_forward(
            by_image, turned, values, size, first, last, W, b, width, tile, y, stride, lanes
        )

    return forward


def backward_of_lanes(lanes):
    @kernel
    def backward(
        by_pixel, turned, values, first, last, images, dy, stride, tile, use, W, G, width,
        lr, momentum,
    ):  # fmt: skip
        sparse_input_backward_weights(
            by_pixel, turned, values, first, last, images, dy, stride, tile, use, W, G, width,
            lr, momentum, lanes,
        )  # fmt: skip

    return backward


def one_forward_of_lanes(lanes):
    @kernel
    def forward(image, pixels, values, W, b, y):
        one_image_forward(image, pixels, values, W, b, y, lanes)

    return forward


def one_backward_of_lanes(lanes):
    @kernel
    def backward(image, pixels, values, dy, use, W, G, lr, momentum):
        one_image_backward_weights(image, pixels, values, dy, use, W, G, lr, momentum, lanes)

    return backward


def sparse_forward_of_lanes(lanes):
    @kernel
    def forward(bits, x, stride, images, W, width, tile):
        sparse_forward(bits, x, stride, images, W, width, tile, lanes)

    return forward


def sparse_backward_of_lanes(lanes):
    @kernel
    def backward(bits, x, images, size, tile, use, W, G, width, lr, momentum, sends, dx):
        sparse_backward(
            bits, x, images, size, tile, use, W, G, width, lr, momentum, sends, dx, lanes
        )

    return backward


# The float64 kernels of the engine are tested there, for every width of a tile.
SPARSE_INPUT_FORWARD = {lanes: forward_of_lanes(lanes) for lanes in (16, 104)}
SPARSE_INPUT_BACKWARD = {lanes: backward_of_lanes(lanes) for lanes in (16, 104)}
ONE_IMAGE_FORWARD = {lanes: one_forward_of_lanes(lanes) for lanes in (16, 104)}
ONE_IMAGE_BACKWARD = {lanes: one_backward_of_lanes(lanes) for lanes in (16, 104)}
SPARSE_HIDDEN_LANES = 24
SPARSE_HIDDEN_FORWARD = sparse_forward_of_lanes(SPARSE_HIDDEN_LANES)
SPARSE_HIDDEN_BACKWARD = sparse_backward_of_lanes(SPARSE_HIDDEN_LANES)


def sparse_bytes(images, pixels, share, seed=0):
    """Images uint8 (images, pixels); each pixel is non-zero with the probability `share`, some in
    no image.
    """
    rng = np.random.default_rng(seed)
    lit = rng.random((images, pixels)) < share * rng.choice([0.0, 0.5, 1.5], pixels)
    if share in (0, 1):
        lit[:] = share == 1
    return np.where(lit, rng.integers(1, 256, lit.shape), 0).astype(np.uint8)


def sparse_numbers(images, inputs, share, dtype, seed=0):
    """Numbers (images, inputs) of either sign; about a `share` of them is not zero."""
    lit = sparse_bytes(images, inputs, share, seed) != 0
    return np.where(lit, np.random.default_rng(seed).standard_normal(lit.shape), 0).astype(dtype)
