"""Kernels of which the lanes are a constant, given one; sparse numbers, and listings laid out."""

import numpy as np

from mnistlab.kernels.jit import kernel
from mnistlab.kernels.lit_pixels import MORE_STARTS, lit_backward_weights, lit_forward
from mnistlab.kernels.sparse import sparse_backward, sparse_forward


def forward_of_lanes(lanes):
    @kernel
    def forward(pixels, starts, rows, values, parts, images, W, b, width, tile, y, stride):
        lit_forward(
            pixels, starts, rows, values, parts, images, W, b, width, tile, y, stride, lanes
        )

    return forward


def backward_of_lanes(lanes):
    @kernel
    def backward(
        pixels, starts, rows, values, first, last, images, dy, stride, tile, use, W, G, width,
        lr, momentum,
    ):  # fmt: skip
        lit_backward_weights(
            pixels, starts, rows, values, first, last, images, dy, stride, tile, use, W, G, width,
            lr, momentum, lanes,
        )  # fmt: skip

    return backward


def sparse_forward_of_lanes(lanes):
    @kernel
    def forward(numbers, starts, rows, values, W, width, tile):
        sparse_forward(numbers, starts, rows, values, W, width, tile, lanes)

    return forward


def sparse_backward_of_lanes(lanes):
    @kernel
    def backward(
        numbers, starts, rows, values, images, tile, use, W, G, width, lr, momentum, dx, stride
    ):
        sparse_backward(
            numbers, starts, rows, values, images, tile, use, W, G, width, lr, momentum, dx,
            stride, lanes,
        )  # fmt: skip

    return backward


# What the engine has in float64 is tested there, for every width of a tile.
LIT_FORWARD = {lanes: forward_of_lanes(lanes) for lanes in (16, 128)}
LIT_BACKWARD = {lanes: backward_of_lanes(lanes) for lanes in (16, 128)}
SPARSE_FORWARD = sparse_forward_of_lanes(64)
SPARSE_BACKWARD = sparse_backward_of_lanes(64)
SPARSE_LANES = 64

BEYOND, MARK = 100, 200


def sparse_bytes(images, pixels, share, seed=0):
    """Images uint8 (images, pixels), each pixel lit with the probability `share`, some in none."""
    rng = np.random.default_rng(seed)
    lit = rng.random((images, pixels)) < share * rng.choice([0.0, 0.5, 1.5], pixels)
    if share in (0, 1):
        lit[:] = share == 1
    return np.where(lit, rng.integers(1, 256, lit.shape), 0).astype(np.uint8)


def sparse_numbers(images, inputs, share, dtype, seed=0):
    """Numbers (images, inputs) of either sign, zero but for about a `share`."""
    lit = sparse_bytes(images, inputs, share, seed) != 0
    return np.where(lit, np.random.default_rng(seed).standard_normal(lit.shape), 0).astype(dtype)


def empty_listing(images, size, dtype):
    """Room for a listing, full of what was there before: numbers, starts, free, rows, values.

    Each array is the beginning of a larger one; see `laid_out`.
    """
    counts, entries = (size, size + MORE_STARTS, size), images * size
    arrays = [np.full(count + BEYOND, MARK, np.uint32)[:count] for count in counts]
    arrays += [np.full(entries + BEYOND, MARK, np.uint8)[:entries]]
    return *arrays, np.full(entries + BEYOND, MARK, dtype)[:entries]


def laid_out(listing, images):
    """The numbers (images, size) that a listing stands for, each written once, and no more."""
    for array in listing:
        assert (array.base[array.size :] == MARK).all(), "written beyond the end"
    numbers, starts, _, rows, values = listing
    assert starts[0] == 0
    assert (rows[starts[numbers.size] :] == MARK).all(), "more is listed than there is"
    assert (values[starts[numbers.size] :] == MARK).all()
    found = np.zeros((images, numbers.size), values.dtype)
    for q, k in enumerate(numbers):
        own = slice(starts[q], starts[q + 1])
        assert (np.diff(rows[own].astype(int)) > 0).all(), "an image is listed twice or too late"
        found[rows[own], k] = values[own]
    return found
