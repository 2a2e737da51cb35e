from itertools import product

import numpy as np
import pytest
from kernel_helpers import DTYPES, TOLERANCE, assert_gradient, normal

from mnistlab.blocks.layers.pool2d import maths as pool2d

HEIGHT, WIDTH = 7, 9
# Patches that touch, overlap, and leave out pixels between them and at the ends.
PLACES = list(product(range(1, 5), range(1, 5)))
KINDS = ["max", "average"]


def output_shape(x, size, stride):
    return (*x.shape[:2], *((n - size) // stride + 1 for n in x.shape[2:]))


def forward(kind, x, size, stride):
    y = np.full(output_shape(x, size, stride), np.nan, x.dtype)
    kernel = {"max": pool2d.max_pool_forward, "average": pool2d.average_pool_forward}[kind]
    kernel(x, y, size, stride)
    return y


def backward(kind, x, dy, size, stride):
    dx = np.full_like(x, np.nan)
    if kind == "max":
        pool2d.max_pool_backward(x, dy, dx, size, stride)
    else:
        pool2d.average_pool_backward(dy, dx, size, stride)
    return dx


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("size", "stride"), PLACES)
def test_forward_is_the_largest_or_mean_value_of_each_window(kind, size, stride, dtype):
    x = normal((2, 3, HEIGHT, WIDTH), dtype)
    windows = np.lib.stride_tricks.sliding_window_view(
        x.astype(np.float64), (size, size), axis=(2, 3)
    )[:, :, ::stride, ::stride]
    y = forward(kind, x, size, stride)
    if kind == "max":
        np.testing.assert_array_equal(y, windows.max(axis=(4, 5)))
    else:
        tolerance = TOLERANCE[np.dtype(dtype)]
        np.testing.assert_allclose(y, windows.mean(axis=(4, 5)), rtol=0, atol=tolerance)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("size", "stride"), PLACES)
def test_backward_is_the_gradient_by_finite_differences(kind, size, stride):
    x = normal((2, 2, HEIGHT, WIDTH))
    c = normal(output_shape(x, size, stride), seed=1)
    dx = backward(kind, x, c, size, stride)
    assert_gradient(dx, lambda: float((c * forward(kind, x, size, stride)).sum()), x)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("size", "stride"), PLACES)
def test_what_is_sent_down_sums_to_what_came(kind, size, stride):
    x = np.round(normal((2, 2, HEIGHT, WIDTH)))  # with many ties
    dy = normal(output_shape(x, size, stride), seed=1)
    dx = backward(kind, x, dy, size, stride)
    np.testing.assert_allclose(dx.sum(axis=(2, 3)), dy.sum(axis=(2, 3)), rtol=0, atol=1e-13)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_and_columns_that_fill_no_patch_are_neither_read_nor_given_a_gradient(kind):
    x = normal((1, 1, HEIGHT, WIDTH))
    y = forward(kind, x, 4, 4)
    assert y.shape == (1, 1, 1, 2)
    changed = x.copy()
    changed[:, :, 4:] = changed[:, :, :, 8:] = np.nan
    np.testing.assert_array_equal(forward(kind, changed, 4, 4), y)
    dx = backward(kind, x, np.ones_like(y), 4, 4)
    assert (dx[:, :, 4:] == 0).all()
    assert (dx[:, :, :, 8:] == 0).all()
    assert dx.sum() == pytest.approx(2)


@pytest.mark.parametrize("dtype", DTYPES)
def test_of_equal_values_the_first_has_the_whole_gradient(dtype):
    x, dy = np.full((1, 1, 2, 4), 3, dtype), np.array([[[[5, 7]]]], dtype)
    dx = backward("max", x, dy, 2, 2)
    assert dx.tolist() == [[[[5, 0, 7, 0], [0, 0, 0, 0]]]]
    x[0, 0, 0, 0] = 2
    dx = backward("max", x, dy, 2, 2)
    assert dx.tolist() == [[[[0, 5, 7, 0], [0, 0, 0, 0]]]]


def test_patches_that_overlap_on_one_largest_value_add_their_gradients():
    x = np.zeros((1, 1, 3, 3))
    x[0, 0, 1, 1] = 1
    dy = np.array([[[[1.0, 10.0], [100.0, 1000.0]]]])
    dx = backward("max", x, dy, 2, 1)
    assert dx[0, 0].tolist() == [[0, 0, 0], [0, 1111, 0], [0, 0, 0]]


def test_the_largest_of_negative_values_is_negative():
    x = np.array([[[[-3.0, -np.inf], [-2.0, -9.0]]]])
    assert forward("max", x, 2, 2).item() == -2
    assert forward("max", np.full((1, 1, 2, 2), -np.inf), 2, 2).item() == -np.inf


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", list(np.ndindex(3, 3)), ids=str)
def test_a_nan_anywhere_in_a_patch_propagates_to_its_output_only(kind, place, dtype):
    x = normal((1, 2, 3, 6), dtype)
    x[0, 1, place[0], place[1]] = np.nan
    found = np.isnan(forward(kind, x, 3, 3))
    assert found[0, :, 0].tolist() == [[False, False], [True, False]]


def test_a_gradient_that_is_nan_is_passed_down():
    x, dy = normal((1, 1, 4, 4)), np.array([[[[np.nan, 1.0], [1.0, 1.0]]]])
    for kind, count in (("max", 1), ("average", 4)):
        assert np.isnan(backward(kind, x, dy, 2, 2)).sum() == count
