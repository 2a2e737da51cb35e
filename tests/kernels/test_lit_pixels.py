"""A dense layer on lit pixels alone: the lists are exactly of those, and so are the sums."""

from itertools import pairwise

import numpy as np
import pytest
from kernel_helpers import DTYPES, TOLERANCE, normal
from lit_helpers import LIT_BACKWARD, LIT_FORWARD, empty_listing, laid_out, sparse_bytes

from mnistlab.kernels.gradient_use import ADD, DECAY, MOMENTUM, SET, SGD
from mnistlab.kernels.lit_pixels import MOST_LISTED, list_lit_pixels, part_of

SCALE, LR, KEPT = 1 / 255, 0.3, 0.75
NONE = np.zeros(0, np.int64)
# Lanes of a tile, and columns of one: whole, and with a remainder.
WIDTHS = [(16, 16), (16, 5), (16, 1), (128, 128), (128, 100)]


def listed(images, parts, dtype, numbers=None, coming=NONE):
    """The listing of images[numbers], all unless given."""
    numbers = np.arange(len(images)) if numbers is None else numbers
    made = empty_listing(len(numbers), images.shape[1], dtype)
    list_lit_pixels(images, numbers, coming, dtype(SCALE), parts, *made)
    return made


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("share", [0.0, 0.05, 0.3, 1.0])
@pytest.mark.parametrize("pixels", [1, 63, 64, 65, 100, 784])
def test_a_listing_is_exactly_what_is_not_zero(pixels, share, dtype):
    for images in (1, 7, MOST_LISTED):
        bytes_ = sparse_bytes(images, pixels, share, seed=images)
        assert share < 1 or bytes_.all()
        for parts in (1, 2, 3):
            listing = listed(bytes_, parts, dtype)
            np.testing.assert_array_equal(laid_out(listing, images), bytes_ * dtype(SCALE))
            order, starts, *_ = listing
            assert starts[pixels] == np.count_nonzero(bytes_)
            counts = np.diff(starts[: pixels + 1].astype(int))
            for part in range(parts):
                a, b = part_of(pixels, parts, part)
                np.testing.assert_array_equal(np.sort(order[a:b]), np.arange(a, b))
                assert (np.diff(counts[a:b]) <= 0).all(), (
                    "a pixel is lit in more than the one before"
                )


def test_parts_are_all_pixels_and_as_many_in_each_as_can_be():
    for size in (1, 7, 784):
        for parts in (1, 2, 3, 8):
            ends = [part_of(size, parts, part) for part in range(parts)]
            assert [ends[0][0], ends[-1][1]] == [0, size]
            assert all(one[1] == next_[0] for one, next_ in pairwise(ends))
            assert np.ptp([b - a for a, b in ends]) <= 1


def test_images_are_listed_in_the_order_asked_for_though_others_are_coming():
    images = sparse_bytes(50, 90, 0.2)
    numbers, coming = np.array([7, 49, 7, 0, 31]), np.array([3, 3, 48])
    found = laid_out(listed(images, 2, np.float64, numbers, coming), 5)
    np.testing.assert_array_equal(found, images[numbers] * SCALE)


def close(found, expected, dtype, terms):
    """Equal up to the rounding of a sum of so many terms of about 1."""
    np.testing.assert_allclose(found, expected, rtol=0, atol=terms * TOLERANCE[np.dtype(dtype)])


def dtypes_of(lanes):
    return DTYPES if lanes == 16 else DTYPES[:1]


CASES = [
    pytest.param(*widths, dtype, images, share, id=f"{widths} {dtype.__name__} {images} {share}")
    for widths in WIDTHS
    for dtype in dtypes_of(widths[0])
    for images, share in [(1, 0.2), (13, 0.0), (32, 0.2), (MOST_LISTED, 1.0)]
]


@pytest.mark.parametrize(("lanes", "width", "dtype", "images", "share"), CASES)
def test_forward_is_the_product_with_all_pixels(lanes, width, dtype, images, share):
    """A tile's columns of y lie among those of others, which are not touched."""
    bytes_ = sparse_bytes(images, 100, share)
    W, bias = normal((100, width), dtype, 1), normal(width, dtype, 2)
    x = bytes_ * SCALE
    for parts, b in ((1, bias), (3, bias), (2, bias[:0])):
        pixels, starts, _, rows, values = listed(bytes_, parts, dtype)
        before = normal((images + 1, width + 3), dtype, 3)
        y, tile = before.copy(), np.full(images * lanes, np.nan, dtype)
        LIT_FORWARD[lanes](
            pixels, starts, rows, values, parts, images, W.ravel(), b, width, tile,
            y.ravel()[2:], width + 3,
        )  # fmt: skip
        expected = before.astype(np.float64)
        expected[:images, 2 : 2 + width] = x @ W + (b if b.size else 0)
        close(y, expected, dtype, 20)
        np.testing.assert_array_equal(y[:, :2], before[:, :2])
        np.testing.assert_array_equal(y[:, 2 + width :], before[:, 2 + width :])


def after(use, gradient, W, G):
    """(W, G) when the gradient has been put to use, by the equations of gradient_use.py."""
    if use == SET:
        return W, gradient
    if use == ADD:
        return W, G + gradient
    if use == SGD:
        return W - LR * gradient, G
    velocity = KEPT * G + gradient
    return (W, velocity) if use == DECAY else (W - LR * velocity, velocity)


@pytest.mark.parametrize("use", [SET, ADD, DECAY, SGD, MOMENTUM])
@pytest.mark.parametrize(("lanes", "width", "dtype", "images", "share"), CASES)
def test_backward_is_the_product_with_all_pixels_put_to_use(
    lanes, width, dtype, images, share, use
):
    """Part by part; what a part leaves alone are exactly the other parts' pixels."""
    bytes_ = sparse_bytes(images, 100, share)
    start, state = normal((100, width), dtype, 1), normal((100, width), dtype, 2)
    dy = normal((images, width + 2), dtype, 3)
    gradient = (bytes_ * SCALE).T @ dy[:, 1 : 1 + width].astype(np.float64)
    expected = after(use, gradient, *(each.astype(np.float64) for each in (start, state)))
    for parts in (1, 3):
        pixels, starts, _, rows, values = listed(bytes_, parts, dtype)
        W, G = start.copy(), state.copy()
        for part in range(parts):
            tile = np.full(images * lanes, np.nan, dtype)
            first, last = part_of(100, parts, part)
            untouched = W[last:].copy(), G[last:].copy()
            LIT_BACKWARD[lanes](
                pixels, starts, rows, values, first, last, images, dy.ravel()[1:], width + 2, tile,
                use, W.ravel(), G.ravel(), width, LR, KEPT,
            )  # fmt: skip
            np.testing.assert_array_equal(W[last:], untouched[0])
            np.testing.assert_array_equal(G[last:], untouched[1])
        close(W, expected[0], dtype, 20)
        close(G, expected[1], dtype, 20)


def test_a_pixel_that_is_dark_in_all_images_leaves_its_weights_bits_alone():
    """But for momentum: a velocity carries a weight on without a gradient."""
    images = sparse_bytes(8, 100, 0.2)
    dark = ~images.any(axis=0)
    assert 10 < dark.sum() < 90
    pixels, starts, _, rows, values = listed(images, 1, np.float32)
    W, G = normal((100, 16), np.float32, 1), np.ones((100, 16), np.float32)
    before, tile = W.copy(), np.empty(8 * 16, np.float32)
    dy = normal((8, 16), np.float32, 3)
    for use, moved in ((SGD, ~dark), (MOMENTUM, np.ones(100, bool))):
        W[:] = before
        LIT_BACKWARD[16](
            pixels, starts, rows, values, 0, 100, 8, dy.ravel(), 16, tile, use, W.ravel(),
            G.ravel(), 16, LR, KEPT,
        )  # fmt: skip
        np.testing.assert_array_equal((before != W).any(axis=1), moved)


@pytest.mark.parametrize("poison", [np.nan, np.inf])
def test_what_is_not_finite_at_a_lit_pixel_or_in_the_gradient_is_not_lost(poison):
    images = np.zeros((3, 70), np.uint8)
    images[1, 65] = 3
    pixels, starts, _, rows, values = listed(images, 1, np.float32)
    W, tile, y = np.zeros((70, 5), np.float32), np.empty(3 * 16, np.float32), np.zeros((3, 5))
    y = y.astype(np.float32)
    W[65, 2] = poison
    LIT_FORWARD[16](
        pixels,
        starts,
        rows,
        values,
        1,
        3,
        W.ravel(),
        np.zeros(5, np.float32),
        5,
        tile,
        y.ravel(),
        5,
    )
    assert np.argwhere(~np.isfinite(y)).tolist() == [[1, 2]]
    dy, dW = np.zeros((3, 5), np.float32), np.zeros((70, 5), np.float32)
    dy[1, 4] = poison
    LIT_BACKWARD[16](
        pixels, starts, rows, values, 0, 70, 3, dy.ravel(), 5, tile, SET, W.ravel(), dW.ravel(), 5,
        LR, KEPT,
    )  # fmt: skip
    assert np.argwhere(~np.isfinite(dW)).tolist() == [[65, 4]]
