"""A dense layer on non-zero pixels: the listings have exactly these, and the sums are right."""

import numpy as np
import pytest
from kernel_helpers import DTYPES, TOLERANCE, normal
from sparse_helpers import SPARSE_INPUT_BACKWARD, SPARSE_INPUT_FORWARD, sparse_bytes

from mnistlab.blocks.layers.dense.sparse_input import LISTED, WORD, list_nonzero_pixels, words_of
from mnistlab.runtime.actions import ADD, DECAY, MOMENTUM, SET, SGD

SCALE, LR, KEPT = 1 / 255, 0.3, 0.75
NONE = np.zeros(0, np.int64)
# What a zero pixel is to the network: zero, or not, as in standardised images.
BLANKS = [0.0, -0.42]
# Lanes of a tile, and columns of one: complete, and with a remainder.
WIDTHS = [(16, 16), (16, 5), (16, 1), (104, 104), (104, 100)]


def listed(images, numbers=None, coming=NONE, parts=1):
    """The listing of images[numbers], by default of all, made in `parts` parts of the words."""
    numbers = np.arange(len(images)) if numbers is None else numbers
    size = images.shape[1]
    words = words_of(size)
    by_image, by_pixel = np.zeros(LISTED * words, np.uint64), np.zeros(size, np.uint64)
    turned = np.zeros(size * LISTED, np.uint8)
    for part in range(parts):
        first, last = part * words // parts, (part + 1) * words // parts
        list_nonzero_pixels(
            images.ravel(), size, first, last, numbers, coming, by_image, by_pixel, turned
        )
    return by_image, by_pixel, turned


def seen(dtype, blank=0.0):
    """The network's input for each byte; `blank` is that of a zero."""
    return (np.arange(256) * SCALE + blank).astype(dtype)


@pytest.mark.parametrize("share", [0.0, 0.05, 0.3, 1.0])
@pytest.mark.parametrize("pixels", [16, 63, 64, 65, 100, 784])
def test_a_listing_is_exactly_what_is_not_zero(pixels, share):
    for images in (1, 7, LISTED):
        bytes_ = sparse_bytes(images, pixels, share, seed=images)
        assert share < 1 or bytes_.all()
        for parts in (1, 2, 3):
            by_image, by_pixel, turned = listed(bytes_, parts=parts)
            words = by_image.reshape(LISTED, -1)
            for i in range(images):
                lit = [int(words[i, k // WORD]) >> (k % WORD) & 1 for k in range(pixels)]
                np.testing.assert_array_equal(lit, bytes_[i] != 0)
                assert sum(int(word).bit_count() for word in words[i]) == np.count_nonzero(
                    bytes_[i]
                )
            for k in range(pixels):
                assert int(by_pixel[k]) == sum(1 << int(i) for i in np.flatnonzero(bytes_[:, k]))
            np.testing.assert_array_equal(turned.reshape(pixels, LISTED)[:, :images], bytes_.T)


def test_images_are_listed_in_the_order_asked_for_though_others_are_coming():
    images = sparse_bytes(50, 90, 0.2)
    numbers, coming = np.array([7, 49, 7, 0, 31]), np.array([3, 3, 48])
    _, by_pixel, turned = listed(images, numbers, coming)
    np.testing.assert_array_equal(turned.reshape(90, LISTED)[:, :5], images[numbers].T)
    for k in range(90):
        assert int(by_pixel[k]) == sum(1 << int(i) for i in np.flatnonzero(images[numbers][:, k]))


def close(found, expected, dtype, terms):
    """Equal up to the rounding of a sum of this many terms of about 1."""
    np.testing.assert_allclose(found, expected, rtol=0, atol=terms * TOLERANCE[np.dtype(dtype)])


def dtypes_of(lanes):
    return DTYPES if lanes == 16 else DTYPES[:1]


CASES = [
    pytest.param(*widths, dtype, images, share, id=f"{widths} {dtype.__name__} {images} {share}")
    for widths in WIDTHS
    for dtype in dtypes_of(widths[0])
    for images, share in [(1, 0.2), (13, 0.0), (32, 0.2), (LISTED, 1.0)]
]


def padded(W, lanes):
    """W (pixels, width) with rows of `lanes` numbers, and flat."""
    rows = np.zeros((len(W), lanes), W.dtype)
    rows[:, : W.shape[1]] = W
    return rows.ravel()


@pytest.mark.parametrize("blank", BLANKS)
@pytest.mark.parametrize(("lanes", "width", "dtype", "images", "share"), CASES)
def test_forward_is_the_product_with_all_pixels(lanes, width, dtype, images, share, blank):
    """A tile's columns of y are among those of other tiles, which are not changed."""
    bytes_ = sparse_bytes(images, 100, share)
    W, bias = normal((100, width), dtype, 1), normal(width, dtype, 2)
    x = bytes_ * SCALE + blank
    by_image, _, turned = listed(bytes_)
    for b in (bias, bias[:0]):
        before = normal((images + 1, width + 3), dtype, 3)
        y, tile = before.copy(), np.full(images * lanes, np.nan, dtype)
        for first, last in ((0, images // 2), (images // 2, images)):
            SPARSE_INPUT_FORWARD[lanes](
                by_image, turned, seen(dtype, blank), 100, first, last, padded(W, lanes), b, width,
                tile, y[first:].ravel()[2:], width + 3,
            )  # fmt: skip
        expected = before.astype(np.float64)
        expected[:images, 2 : 2 + width] = x @ W + (b if b.size else 0)
        close(y, expected, dtype, 20 if blank == 0 else 100)
        np.testing.assert_array_equal(y[:, :2], before[:, :2])
        np.testing.assert_array_equal(y[:, 2 + width :], before[:, 2 + width :])


def after(use, gradient, W, G):
    """(W, G) after the action on the gradient, by the equations of gradient_action.py."""
    if use == SET:
        return W, gradient
    if use == ADD:
        return W, G + gradient
    if use == SGD:
        return W - LR * gradient, G
    velocity = KEPT * G + gradient
    return (W, velocity) if use == DECAY else (W - LR * velocity, velocity)


@pytest.mark.parametrize("blank", BLANKS)
@pytest.mark.parametrize("use", [SET, ADD, DECAY, SGD, MOMENTUM])
@pytest.mark.parametrize(("lanes", "width", "dtype", "images", "share"), CASES)
def test_backward_is_the_product_with_all_pixels_put_to_use(
    lanes, width, dtype, images, share, use, blank
):
    """Part by part; a part changes only its own pixels."""
    bytes_ = sparse_bytes(images, 100, share)
    start, state = normal((100, width), dtype, 1), normal((100, width), dtype, 2)
    dy = normal((images, width + 2), dtype, 3)
    gradient = (bytes_ * SCALE + blank).T @ dy[:, 1 : 1 + width].astype(np.float64)
    expected = after(use, gradient, *(each.astype(np.float64) for each in (start, state)))
    _, by_pixel, turned = listed(bytes_)
    for parts in (1, 3):
        W, G = padded(start, lanes), padded(state, lanes)
        for part in range(parts):
            tile = np.full(images * lanes, np.nan, dtype)
            first, last = part * 100 // parts, (part + 1) * 100 // parts
            untouched = W[last * lanes :].copy(), G[last * lanes :].copy()
            SPARSE_INPUT_BACKWARD[lanes](
                by_pixel, turned, seen(dtype, blank), first, last, images, dy.ravel()[1:],
                width + 2, tile, use, W, G, width, LR, KEPT,
            )  # fmt: skip
            np.testing.assert_array_equal(W[last * lanes :], untouched[0])
            np.testing.assert_array_equal(G[last * lanes :], untouched[1])
        for found, wanted in ((W, expected[0]), (G, expected[1])):
            close(found.reshape(100, lanes)[:, :width], wanted, dtype, 20)
            assert not found.reshape(100, lanes)[:, width:].any(), "what is beyond stays zero"


def test_a_pixel_that_is_zero_in_all_images_leaves_its_weights_unchanged():
    """Except with momentum: a velocity changes a weight without a gradient."""
    images = sparse_bytes(8, 100, 0.2)
    dark = ~images.any(axis=0)
    assert 10 < dark.sum() < 90
    _, by_pixel, turned = listed(images)
    W, G = normal((100, 16), np.float32, 1), np.ones((100, 16), np.float32)
    before, tile = W.copy(), np.empty(8 * 16, np.float32)
    dy = normal((8, 16), np.float32, 3)
    for use, moved in ((SGD, ~dark), (MOMENTUM, np.ones(100, bool))):
        W[:] = before
        SPARSE_INPUT_BACKWARD[16](
            by_pixel, turned, seen(np.float32), 0, 100, 8, dy.ravel(), 16, tile, use, W.ravel(),
            G.ravel(), 16, LR, KEPT,
        )  # fmt: skip
        np.testing.assert_array_equal((before != W).any(axis=1), moved)


@pytest.mark.parametrize("poison", [np.nan, np.inf])
def test_what_is_not_finite_at_a_lit_pixel_or_in_the_gradient_is_not_lost(poison):
    images = np.zeros((3, 70), np.uint8)
    images[1, 65] = 3
    by_image, by_pixel, turned = listed(images)
    values = seen(np.float32)
    W, tile = np.zeros((70, 16), np.float32), np.empty(3 * 16, np.float32)
    y, bias = np.zeros((3, 5), np.float32), np.zeros(5, np.float32)
    W[65, 2] = poison
    SPARSE_INPUT_FORWARD[16](
        by_image, turned, values, 70, 0, 3, W.ravel(), bias, 5, tile, y.ravel(), 5
    )
    assert np.argwhere(~np.isfinite(y)).tolist() == [[1, 2]]
    dy, dW = np.zeros((3, 5), np.float32), np.zeros((70, 16), np.float32)
    dy[1, 4] = poison
    SPARSE_INPUT_BACKWARD[16](
        by_pixel, turned, values, 0, 70, 3, dy.ravel(), 5, tile, SET, W.ravel(), dW.ravel(), 5, LR,
        KEPT,
    )  # fmt: skip
    assert np.argwhere(~np.isfinite(dW)).tolist() == [[65, 4]]
