from itertools import product

import numpy as np
import pytest
from kernel_helpers import DTYPES, TOLERANCE, assert_gradient, normal
from scipy.signal import correlate2d

from mnistlab.blocks.layers.conv2d import maths as conv2d

IMAGES, CHANNELS, FILTERS, HEIGHT, WIDTH = 2, 2, 3, 6, 5
# Every side, stride and padding that fits; with side 1 and padding 3 whole rings lie outside.
PLACES = [
    (side, stride, padding)
    for side, stride, padding in product(range(1, 6), range(1, 4), range(4))
    if side <= WIDTH + 2 * padding
]
BIASES = ["shared", "per_position", "none"]


def positions(side, stride, padding):
    return tuple((size + 2 * padding - side) // stride + 1 for size in (HEIGHT, WIDTH))


def layer(place, bias="shared", dtype=np.float64):
    """x, W, b of a layer, and the gradient c of a scalar by its output."""
    side = place[0]
    rows, columns = positions(*place)
    biases = {"shared": 1, "per_position": rows * columns, "none": 0}[bias]
    shapes = [
        (IMAGES, CHANNELS, HEIGHT, WIDTH),
        (FILTERS, CHANNELS, side, side),
        (FILTERS, biases),
        (IMAGES, FILTERS, rows, columns),
    ]
    return tuple(normal(shape, dtype, seed) for seed, shape in enumerate(shapes))


def scratch_for(W, y):
    """The content of the scratch must not matter."""
    return np.full(W[0].size * y.shape[2] * y.shape[3] + 3, np.nan, W.dtype)


def forward(x, W, b, place):
    y = np.full((len(x), len(W), *positions(*place)), np.nan, x.dtype)
    conv2d.conv2d_forward(x, W, b, y, scratch_for(W, y), *place[1:])
    return y


def backward(x, W, b, dy, place):
    dx, dW, db = (np.full_like(array, np.nan) for array in (x, W, b))
    conv2d.conv2d_backward_weights(x, dy, dW, db, scratch_for(W, dy), *place[1:])
    conv2d.conv2d_backward_input(dy, W, dx, scratch_for(W, dy), *place[1:])
    return dx, dW, db


def padded(x, padding):
    return np.pad(x, [(0, 0)] * (x.ndim - 2) + [(padding, padding)] * 2)


def by_scipy(x, W, b, place):
    """The sum over channels of scipy's correlation, of which every stride-th value is taken."""
    _, stride, padding = place
    images = padded(x.astype(np.float64), padding)
    y = np.array(
        [
            [sum(map(correlate2d, image, filter_, ["valid"] * CHANNELS)) for filter_ in W]
            for image in images
        ]
    )[:, :, ::stride, ::stride]
    if b.shape[1] > 1:
        return y + b.reshape(y.shape[1:])
    return y + b[:, :, None] if b.size else y


def extracted(image, place):
    rows, columns = positions(*place)
    P = np.full((CHANNELS * place[0] ** 2, rows * columns), np.nan)
    conv2d.patches(image, P, place[0], rows, columns, *place[1:])
    return P


def given_back(dP, place):
    dx = np.full((CHANNELS, HEIGHT, WIDTH), np.nan)
    conv2d.add_patches(dP, dx, place[0], *positions(*place), *place[1:])
    return dx


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_the_patches_are_the_windows_of_the_padded_image(place):
    side, stride, padding = place
    image = normal((CHANNELS, HEIGHT, WIDTH))
    windows = np.lib.stride_tricks.sliding_window_view(
        padded(image, padding), (side, side), axis=(1, 2)
    )[:, ::stride, ::stride]
    expected = windows.transpose(0, 3, 4, 1, 2).reshape(CHANNELS * side**2, -1)
    np.testing.assert_array_equal(extracted(image, place), expected)


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_giving_patches_back_is_the_adjoint_of_taking_them(place):
    image = normal((CHANNELS, HEIGHT, WIDTH))
    P = extracted(image, place)
    z = normal(P.shape, seed=1)
    assert abs((P * z).sum() - (image * given_back(z, place)).sum()) <= 1e-12 * np.abs(P * z).sum()


def test_a_pixel_is_given_back_as_often_as_patches_cover_it():
    dx = given_back(np.ones((CHANNELS * 9, 12)), (3, 1, 0))
    rows, columns = [1, 2, 3, 3, 2, 1], [1, 2, 3, 2, 1]
    np.testing.assert_array_equal(dx, np.array([np.outer(rows, columns)] * CHANNELS))


@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("place", PLACES, ids=str)
def test_forward_is_scipy_s_correlation_and_the_bias(place, dtype, bias):
    x, W, b, _ = layer(place, bias, dtype)
    y, expected = forward(x, W, b, place), by_scipy(x, W, b, place)
    assert y.shape == expected.shape
    assert np.abs(y - expected).max() <= 5 * TOLERANCE[np.dtype(dtype)] * np.abs(expected).max()


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_the_gradients_by_input_filters_and_biases_are_those_of_finite_differences(place):
    for bias in BIASES:
        x, W, b, c = layer(place, bias)
        gradients = backward(x, W, b, c, place)

        def value(x=x, W=W, b=b, c=c):
            return float((c * forward(x, W, b, place)).sum())

        for gradient, by in zip(gradients, (x, W, b), strict=True):
            if by.size:
                assert_gradient(gradient, value, by)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bias", BIASES)
def test_the_gradients_of_a_batch_are_the_sums_of_its_images_gradients(bias, dtype):
    place = (3, 2, 1)
    x, W, b, dy = layer(place, bias, dtype)
    whole = backward(x, W, b, dy, place)
    each = [backward(x[i : i + 1], W, b, dy[i : i + 1], place) for i in range(IMAGES)]
    np.testing.assert_array_equal(whole[0], np.concatenate([dx for dx, _, _ in each]))
    tolerance = 10 * TOLERANCE[np.dtype(dtype)]
    np.testing.assert_allclose(whole[1], sum(dW for _, dW, _ in each), atol=tolerance, rtol=0)
    np.testing.assert_allclose(whole[2], sum(db for _, _, db in each), atol=tolerance, rtol=0)


@pytest.mark.parametrize("bias", BIASES)
def test_the_gradient_of_no_image_is_zero_whatever_was_there(bias):
    place = (3, 1, 0)
    x, W, b, dy = layer(place, bias)
    _, dW, db = backward(x[:0], W, b, dy[:0], place)
    assert (dW == 0).all()
    assert (db == 0).all()


@pytest.mark.parametrize("bias", ["shared", "per_position"])
def test_a_single_position_has_one_bias_either_way(bias):
    x, W, b, dy = layer((5, 3, 0), bias)
    x = np.ascontiguousarray(x[:, :, :5])
    y, db = np.empty((IMAGES, FILTERS, 1, 1)), np.empty((FILTERS, 1))
    b, dy = b[:, :1].copy(), dy[:, :, :1, :1].copy()
    conv2d.conv2d_forward(x, W, b, y, scratch_for(W, y), 3, 0)
    expected = np.einsum("ncuv,fcuv->nf", x, W) + b[:, 0]
    np.testing.assert_allclose(y[:, :, 0, 0], expected, rtol=0, atol=1e-13)
    conv2d.conv2d_backward_weights(x, dy, np.empty_like(W), db, scratch_for(W, y), 3, 0)
    np.testing.assert_allclose(db, dy.sum(axis=(0, 2)), rtol=0, atol=1e-14)


def test_a_filter_as_large_as_the_image_is_a_dense_unit():
    x, W, b = normal((4, 2, 3, 3)), normal((5, 2, 3, 3), seed=1), normal((5, 1), seed=2)
    y = np.empty((4, 5, 1, 1))
    conv2d.conv2d_forward(x, W, b, y, scratch_for(W, y), 1, 0)
    expected = x.reshape(4, -1) @ W.reshape(5, -1).T + b[:, 0]
    np.testing.assert_allclose(y.reshape(4, 5), expected, rtol=0, atol=1e-13)


def test_the_filter_is_not_turned_over():
    image = np.zeros((1, 1, 2, 3))
    image[0, 0, 0] = [1, 10, 100]
    W = np.array([[[[2.0, 3.0], [0.0, 0.0]]]])
    y = np.empty((1, 1, 1, 2))
    conv2d.conv2d_forward(image, W, np.zeros((1, 0)), y, scratch_for(W, y), 1, 0)
    assert y.ravel().tolist() == [2 * 1 + 3 * 10, 2 * 10 + 3 * 100]


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_nan_reaches_the_outputs_whose_patches_hold_it_and_no_other(dtype):
    place = (3, 2, 1)
    x, W, b, _ = layer(place, "shared", dtype)
    x[1, 0, 2, 3] = np.nan
    found = np.isnan(forward(x, W, b, place))
    assert not found[0].any()
    # Rows r with 2r − 1 <= 2 <= 2r + 1, columns q with 2q − 1 <= 3 <= 2q + 1.
    expected = np.zeros(positions(*place), bool)
    expected[1, 1:3] = True
    assert (found[1] == expected).all()
