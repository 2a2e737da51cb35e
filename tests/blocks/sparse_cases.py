"""Cases of the kernels that skip zeros, for the comparison of interpreted and compiled."""

import functools

import numpy as np
import pytest
from kernel_helpers import normal
from sparse_helpers import (
    ONE_IMAGE_BACKWARD,
    ONE_IMAGE_FORWARD,
    SPARSE_HIDDEN_BACKWARD,
    SPARSE_HIDDEN_FORWARD,
    SPARSE_HIDDEN_LANES,
    SPARSE_INPUT_BACKWARD,
    SPARSE_INPUT_FORWARD,
    sparse_bytes,
    sparse_numbers,
)

from mnistlab.blocks.layers.dense import one_image, sparse_hidden, sparse_input
from mnistlab.blocks.layers.dense.sparse_input import LISTED

SKIPPED = [(9, 70), (5, 66)]  # images, pixels


def sparse_input_cases():
    for images, size in SKIPPED:

        def lists(dtype, images=images, size=size):
            words = sparse_input.words_of(size)
            numbers = np.arange(images)
            made = np.zeros(LISTED * words, np.uint64), np.zeros(size, np.uint64)
            turned = np.zeros(size * LISTED, np.uint8)
            pixels = sparse_bytes(images, size, 0.3).ravel()
            return pixels, size, 0, words, numbers, numbers[:3], *made, turned

        def listing(dtype, lists=lists):
            made = lists(dtype)
            sparse_input.list_nonzero_pixels(*made)
            return made[6:]

        def values(dtype, blank=0.0):
            return (np.arange(256) * 0.01 + blank).astype(dtype)

        def forward(dtype, blank, images=images, size=size, listing=listing, values=values):
            W, b = normal(size * 16, dtype, 1), normal(11, dtype, 2)
            tile, y = normal(images * 16, dtype, 3), normal(images * 13, dtype, 4)
            by_image, _, turned = listing(dtype)
            return by_image, turned, values(dtype, blank), size, 1, images, W, b, 11, tile, y, 13

        def backward(dtype, use, blank, images=images, size=size, listing=listing, values=values):
            W, G = normal(size * 16, dtype, 1), normal(size * 16, dtype, 2)
            tile, dy = normal(images * 16, dtype, 3), normal(images * 13, dtype, 4)
            _, by_pixel, turned = listing(dtype)
            return (
                by_pixel, turned, values(dtype, blank), 3, size, images, dy, 13, tile, use, W, G,
                11, 0.1, 0.9,
            )  # fmt: skip

        name = f"{images} {size}"
        yield pytest.param(
            sparse_input.list_nonzero_pixels, lists, id=f"list_nonzero_pixels {name}"
        )
        for blank in (0.0, -0.4):
            make = functools.partial(forward, blank=blank)
            of = f"{name} {blank}"
            yield pytest.param(SPARSE_INPUT_FORWARD[16], make, id=f"sparse_input_forward {of}")
            for use in range(5):
                make = functools.partial(backward, use=use, blank=blank)
                yield pytest.param(
                    SPARSE_INPUT_BACKWARD[16], make, id=f"sparse_input_backward_weights {use} {of}"
                )
    yield pytest.param(sparse_input.words_of, lambda t: (100,), id="words_of")


def one_image_cases():
    def listed(size):
        image = sparse_bytes(1, size, 0.3)[0]
        pixels = np.zeros(sparse_input.words_of(size), np.uint64)
        one_image.list_pixels(image, pixels)
        return image, pixels

    for size in (70, 128):

        def lists(dtype, size=size):
            return sparse_bytes(1, size, 0.3)[0], np.zeros_like(listed(size)[1])

        def forward(dtype, size=size):
            values, W = (np.arange(256) * 0.01).astype(dtype), normal(size * 16, dtype, 1)
            return *listed(size), values, W, normal(11, dtype, 2), normal(11, dtype, 3)

        def backward(dtype, use, size=size):
            values, dy = (np.arange(256) * 0.01).astype(dtype), normal(11, dtype, 3)
            W, G = normal(size * 16, dtype, 1), normal(size * 16, dtype, 2)
            return *listed(size), values, dy, use, W, G, 0.1, 0.9

        yield pytest.param(one_image.list_pixels, lists, id=f"list_pixels {size}")
        yield pytest.param(ONE_IMAGE_FORWARD[16], forward, id=f"one_image_forward {size}")
        for use in range(5):
            make = functools.partial(backward, use=use)
            yield pytest.param(
                ONE_IMAGE_BACKWARD[16], make, id=f"one_image_backward_weights {use} {size}"
            )


def sparse_hidden_cases():
    def bits():
        return np.random.default_rng(0).integers(0, 2**63, 64).astype(np.uint64)

    def found(dtype, images=9, size=50):
        x = sparse_numbers(images, 70, 0.3, dtype).ravel()[2:]
        return x, 70, images, size, np.ones(64, np.uint64)

    def forward(dtype):
        made = found(dtype)
        sparse_hidden.find_inputs(*made)
        W, tile = normal(50 * 30, dtype, 1), normal(9 * SPARSE_HIDDEN_LANES, dtype, 2)
        return made[4], made[0], 70, 9, W, 30, tile

    def backward(dtype, use):
        x = sparse_numbers(73, 64, 0.3, dtype).ravel()
        bits = np.ones(128, np.uint64)
        for first, images in ((0, 64), (64, 9)):
            own = bits[first : first + 64]
            sparse_hidden.find_inputs(x[first * 64 :], 64, images, 50, own)
            sparse_hidden.turn_bits(own)
        W, G = normal(50 * 30, dtype, 1), normal(50 * 30, dtype, 2)
        dy, dx = normal(73 * SPARSE_HIDDEN_LANES, dtype, 3), normal(73 * 64, dtype, 4)
        return bits, x, 73, 50, dy, use, W, G, 30, 0.1, 0.9, use % 2 == 0, dx

    yield pytest.param(sparse_hidden.find_inputs, found, id="find_inputs")
    yield pytest.param(sparse_hidden.turn_bits, lambda t: (bits(),), id="turn_bits")
    yield pytest.param(SPARSE_HIDDEN_FORWARD, forward, id="sparse_forward")
    for use in range(5):
        make = functools.partial(backward, use=use)
        yield pytest.param(SPARSE_HIDDEN_BACKWARD, make, id=f"sparse_backward {use}")
