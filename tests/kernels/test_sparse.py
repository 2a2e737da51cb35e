"""A dense layer behind a ReLU: of inputs that are zero nothing is read, and nothing sent to."""

import numpy as np
import pytest
from kernel_helpers import DTYPES, normal
from lit_helpers import (
    SPARSE_BACKWARD,
    SPARSE_FORWARD,
    SPARSE_LANES,
    empty_listing,
    laid_out,
    sparse_numbers,
)
from test_lit_pixels import KEPT, LR, after, close

from mnistlab.kernels.gradient_use import ADD, DECAY, MOMENTUM, SET, SGD
from mnistlab.kernels.lit_pixels import MOST_LISTED
from mnistlab.kernels.sparse import list_inputs

# A block of inputs, [first, first + size) of rows with MORE.
FIRST, MORE = 3, 140


def listed(x, size):
    """The listing of a block of `size` inputs of x (images, MORE)."""
    made = empty_listing(len(x), size, x.dtype)
    list_inputs(x.ravel()[FIRST:], MORE, len(x), *made)
    return made


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("share", [0.0, 0.05, 0.3, 1.0])
@pytest.mark.parametrize("size", [1, 63, 64, 65, 130])
def test_a_listing_is_exactly_what_is_not_zero_in_the_block(size, share, dtype):
    for images in (1, 7, MOST_LISTED):
        x = sparse_numbers(images, MORE, share, dtype)
        listing = listed(x, size)
        block = x[:, FIRST : FIRST + size]
        np.testing.assert_array_equal(laid_out(listing, images), block)
        numbers, starts, *_ = listing
        np.testing.assert_array_equal(np.sort(numbers), np.arange(size))
        assert starts[size] == np.count_nonzero(block)
        counts = np.diff(starts[: size + 1].astype(int))
        assert (np.diff(counts) <= 0).all(), "an input is not zero in more than the one before"


def test_a_nan_is_listed_and_a_minus_zero_is_not():
    x = np.zeros((2, MORE))
    x[1, FIRST + 4], x[0, FIRST + 5] = np.nan, -0.0
    numbers, starts, _, rows, values = listed(x, 70)
    assert (numbers[0], starts[1], starts[70], rows[0]) == (4, 1, 1, 1)
    assert np.isnan(values[0])


CASES = [(1, 64, 0.2), (13, 33, 0.0), (32, 50, 0.2), (MOST_LISTED, 64, 1.0)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("images", "width", "share"), CASES)
def test_forward_adds_the_product_with_all_inputs(images, width, share, dtype):
    x = sparse_numbers(images, MORE, share, dtype)
    W, tile = normal((100, width), dtype, 1), normal((images, SPARSE_LANES), dtype, 2)
    expected = tile.astype(np.float64)
    expected[:, :width] += x[:, FIRST : FIRST + 100].astype(np.float64) @ W
    numbers, starts, _, rows, values = listed(x, 100)
    SPARSE_FORWARD(numbers, starts, rows, values, W.ravel(), width, tile.ravel())
    close(tile, expected, dtype, 30)


@pytest.mark.parametrize("use", [SET, ADD, DECAY, SGD, MOMENTUM])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("images", "width", "share"), CASES)
def test_backward_sends_down_by_the_weights_before_the_step_and_puts_the_gradient_to_use(
    images, width, share, dtype, use
):
    x = sparse_numbers(images, MORE, share, dtype)
    start, state = normal((100, width), dtype, 1), normal((100, width), dtype, 2)
    dy = np.zeros((images, SPARSE_LANES), dtype)
    dy[:, :width] = normal((images, width), dtype, 3)
    W, G, dx = start.copy(), state.copy(), normal((images, MORE), dtype, 4)
    before = dx.copy()
    numbers, starts, _, rows, values = listed(x, 100)
    SPARSE_BACKWARD(
        numbers, starts, rows, values, images, dy.ravel(), use, W.ravel(), G.ravel(), width, LR,
        KEPT, dx.ravel()[FIRST:], MORE,
    )  # fmt: skip
    inside = slice(FIRST, FIRST + 100)
    block, wide = x[:, inside], dy[:, :width].astype(np.float64)
    expected = after(use, block.astype(np.float64).T @ wide, *map(np.float64, (start, state)))
    close(W, expected[0], dtype, 30)
    close(G, expected[1], dtype, 30)
    close(dx[:, inside], np.where(block != 0, wide @ start.T, 0), dtype, 30)
    assert (dx[:, inside][block == 0] == 0).all()
    before[:, inside] = dx[:, inside]
    np.testing.assert_array_equal(dx, before)
