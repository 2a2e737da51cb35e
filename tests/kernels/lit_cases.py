"""Cases of the kernels that skip zeros, for the comparison of interpreted and compiled."""

import functools

import numpy as np
import pytest
from kernel_helpers import normal
from lit_helpers import (
    LIT_BACKWARD,
    LIT_FORWARD,
    SPARSE_BACKWARD,
    SPARSE_FORWARD,
    SPARSE_LANES,
    empty_listing,
    sparse_bytes,
    sparse_numbers,
)

from mnistlab.kernels import lit_pixels, sparse

# images, pixels or inputs, columns of the weight; of sparse.py no fewer than half of its lanes.
SKIPPED = [(9, 70, 16), (5, 66, 11)]


def lit_cases():
    for images, size, width in SKIPPED:

        def listing(dtype, images=images, size=size):
            made = empty_listing(images, size, dtype)
            numbers = np.arange(images)
            lit_pixels.list_lit_pixels(
                sparse_bytes(images, size, 0.3), numbers, numbers, dtype(0.01), 2, *made
            )
            return made

        def lists(dtype, images=images, size=size):
            made = empty_listing(images, size, dtype)
            return sparse_bytes(images, size, 0.3), np.arange(images), np.arange(3), 0.01, 2, *made

        def forward(dtype, images=images, size=size, width=width, listing=listing):
            W, b = normal(size * width, dtype, 1), normal(width, dtype, 2)
            tile, y = normal(images * 16, dtype, 3), normal(images * (width + 2), dtype, 4)
            pixels, starts, _, rows, values = listing(dtype)
            return pixels, starts, rows, values, 2, images, W, b, width, tile, y, width + 2

        def backward(dtype, use, images=images, size=size, width=width, listing=listing):
            W, G = normal(size * width, dtype, 1), normal(size * width, dtype, 2)
            tile, dy = normal(images * 16, dtype, 3), normal(images * (width + 2), dtype, 4)
            pixels, starts, _, rows, values = listing(dtype)
            ends = lit_pixels.part_of(size, 2, 1)
            return (
                pixels, starts, rows, values, *ends, images, dy, width + 2, tile, use, W, G, width,
                0.1, 0.9,
            )  # fmt: skip

        name = f"{images} {size} {width}"
        yield pytest.param(lit_pixels.list_lit_pixels, lists, id=f"list_lit_pixels {name}")
        yield pytest.param(LIT_FORWARD[16], forward, id=f"lit_forward {name}")
        for use in range(5):
            make = functools.partial(backward, use=use)
            yield pytest.param(LIT_BACKWARD[16], make, id=f"lit_backward_weights {use} {name}")
    counts, room = np.array([2, 0, 3, 1, 3, 0, 2], np.uint32), np.zeros(9, np.uint32)
    for a, b in [(0, 7), (2, 6), (3, 3)]:
        yield pytest.param(
            lit_pixels.sort_by_count,
            lambda t, a=a, b=b: (counts.copy(), a, b, 5, room.copy(), room.copy()),
            id=f"sort_by_count {a} {b}",
        )
    yield pytest.param(lit_pixels.part_of, lambda t: (100, 3, 1), id="part_of")


def sparse_cases():
    for images, size, half in SKIPPED:
        width = half + SPARSE_LANES // 2

        def block(dtype, images=images, size=size):
            return sparse_numbers(images, size + 5, 0.3, dtype).ravel()[2:]

        def lists(dtype, images=images, size=size, block=block):
            return block(dtype), size + 5, images, *empty_listing(images, size, dtype)

        def listing(dtype, lists=lists):
            made = lists(dtype)
            sparse.list_inputs(*made)
            return *made[3:5], *made[6:]

        def forward(dtype, images=images, size=size, width=width, listing=listing):
            W, tile = normal(size * width, dtype, 1), normal(images * SPARSE_LANES, dtype, 2)
            return *listing(dtype), W, width, tile

        def backward(dtype, use, images=images, size=size, width=width, listing=listing):
            W, G = normal(size * width, dtype, 1), normal(size * width, dtype, 2)
            dy = normal(images * SPARSE_LANES, dtype, 3)
            dx = normal(images * (size + 5), dtype, 4)
            return *listing(dtype), images, dy, use, W, G, width, 0.1, 0.9, dx[2:], size + 5

        name = f"{images} {size} {width}"
        yield pytest.param(sparse.list_inputs, lists, id=f"list_inputs {name}")
        yield pytest.param(SPARSE_FORWARD, forward, id=f"sparse_forward {name}")
        for use in range(5):
            make = functools.partial(backward, use=use)
            yield pytest.param(SPARSE_BACKWARD, make, id=f"sparse_backward {use} {name}")
