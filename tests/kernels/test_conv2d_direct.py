"""The convolution by rows and the pool of pairs against the plain definitions."""

import numpy as np
import pytest
from direct_cases import backward_weights as weights_16
from direct_cases import forward as forward_16
from kernel_helpers import DTYPES, TOLERANCE, normal

from mnistlab.kernels import conv2d, conv2d_direct, pool2d
from mnistlab.kernels.jit import kernel

# images, channels, filters, height, width, side
SIZES = [(2, 1, 8, 9, 12, 3), (3, 3, 9, 7, 20, 2), (1, 2, 11, 6, 40, 5), (2, 4, 8, 5, 5, 1)]
BIASES = ["shared", "per_position", "none"]


@kernel
def forward_32(x, W, b, y, channels, width, filters, rows, columns, side):
    conv2d_direct.direct_forward(x, W, b, y, channels, width, filters, rows, columns, side, 32)


def layer(size, bias, dtype):
    images, channels, filters, height, width, side = size
    rows, columns = height - side + 1, width - side + 1
    biases = {"shared": 1, "per_position": rows * columns, "none": 0}[bias]
    x = normal((images, channels, height, width), dtype, 1)
    W = normal((filters, channels, side, side), dtype, 2)
    b = normal((filters, biases), dtype, 3)
    dy = normal((images, filters, rows, columns), dtype, 4)
    scratch = np.zeros(channels * side * side * rows * columns, dtype)
    return x, W, b, dy, scratch


def near(found, expected):
    tolerance = 20 * TOLERANCE[expected.dtype] * max(1.0, np.abs(expected).max())
    assert np.abs(found - expected).max() <= tolerance


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize("size", SIZES)
def test_forward_is_the_plain_definition_s(size, bias, dtype):
    x, W, b, dy, scratch = layer(size, bias, dtype)
    expected = np.zeros_like(dy)
    conv2d.conv2d_forward(x, W, b, expected, scratch, 1, 0)
    _, channels, filters, _, width, side = size
    rows, columns = dy.shape[2:]
    for forward in (forward_16, forward_32, forward_16.py_func):
        for i in range(len(x)):
            y = np.full((filters, rows, columns), np.nan, dtype)
            arguments = (W.ravel(), b.ravel(), y.reshape(-1), channels, width, filters)
            forward(x[i].ravel(), *arguments, rows, columns, side)
            near(y, expected[i])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize("size", SIZES)
def test_gradients_are_the_plain_definition_s(size, bias, dtype):
    x, W, b, dy, scratch = layer(size, bias, dtype)
    dW, db = np.zeros_like(W), np.zeros_like(b)
    conv2d.conv2d_backward_weights(x, dy, dW, db, scratch, 1, 0)
    images, channels, filters, _, width, side = size
    rows, columns = dy.shape[2:]
    for weights in (weights_16, weights_16.py_func):
        found = np.full(dW.size, np.nan, dtype)
        sizes = (images, channels, width, filters, rows, columns, side)
        weights(x.ravel(), dy.ravel(), found, *sizes)
        near(found.reshape(W.shape), dW)
    found = np.full_like(b, np.nan)
    conv2d_direct.bias_gradient(dy.reshape(images, filters, -1), found)
    if found.size:
        near(found, db)


@pytest.mark.parametrize("side", [1, 2, 5])
def test_the_gradient_goes_down_by_a_convolution_with_the_filters_turned(side):
    x, W, _, dy, scratch = layer((1, 8, 3, 9, 10, side), "none", np.float64)
    expected = np.zeros_like(x)
    conv2d.conv2d_backward_input(dy, W, expected, scratch, 1, 0)
    turned = np.full(W.swapaxes(0, 1).shape, np.nan)
    conv2d_direct.turn_filters(W, turned)
    border = side - 1
    framed = np.full((3, dy.shape[2] + 2 * border, dy.shape[3] + 2 * border), np.nan)
    conv2d_direct.frame(dy[0], framed, border)
    dx = np.full_like(x[0], np.nan)
    none = np.zeros(0)
    sizes = (3, framed.shape[2], 8, 9, 10, side)
    forward_16(framed.ravel(), turned.ravel(), none, dx.reshape(-1), *sizes)
    near(dx, expected[0])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(2, 2), (8, 8), (13, 11), (26, 27)])
def test_pools_of_pairs_are_the_plain_definition_s(shape, dtype):
    # Small whole numbers: ties, of which the first is taken.
    x = np.random.default_rng(0).integers(-3, 4, (3, 2, *shape)).astype(dtype)
    y = np.zeros((3, 2, shape[0] // 2, shape[1] // 2), dtype)
    dy = normal(y.shape, dtype)
    pool2d.max_pool_forward(x, y, 2, 2)
    dx = np.full_like(x, np.nan)
    pool2d.max_pool_backward(x, dy, dx, 2, 2)
    found_y, found_dx = np.full_like(y, np.nan), np.full_like(x, np.nan)
    pool2d.max_pool_forward_2(x, found_y)
    pool2d.max_pool_backward_2(x, dy, found_dx)
    np.testing.assert_array_equal(found_y, y)
    np.testing.assert_array_equal(found_dx, dx)


@pytest.mark.parametrize("place", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_a_pool_of_pairs_passes_a_nan_on(place):
    x = normal((1, 1, 6, 10))
    x[0, 0, 2 + place[0], 4 + place[1]] = np.nan
    y = np.zeros((1, 1, 3, 5))
    pool2d.max_pool_forward_2(x, y)
    assert np.isnan(y).sum() == 1
    assert np.isnan(y[0, 0, 1, 2])
