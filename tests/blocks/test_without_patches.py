"""The convolution by rows and the pool of pairs, compared with the plain definitions."""

import numpy as np
import pytest
from kernel_helpers import FAST_DTYPES, TOLERANCE, normal
from without_patches_cases import Convolution

from mnistlab.blocks.layers.conv2d import maths as conv2d
from mnistlab.blocks.layers.conv2d import without_patches, without_patches_gradient
from mnistlab.runtime.vectors import REGISTER

# images, channels, filters, height, width beyond what fills a register, side, stride, padding
SIZES = [
    (2, 1, 8, 9, 4, 3, 1, 0), (3, 3, 9, 7, 12, 2, 2, 0), (1, 2, 11, 6, 32, 5, 1, 0),
    (2, 4, 8, 5, 0, 1, 1, 0), (2, 2, 20, 8, 5, 3, 3, 0), (1, 3, 6, 5, 2, 5, 1, 2),
    (2, 2, 4, 6, 3, 3, 2, 1), (2, 1, 5, 4, 1, 2, 3, 4),
]  # fmt: skip
BIASES = ["shared", "per_position", "none"]


def layer(size, bias, dtype):
    """(sizes, x framed, x, W, b, dy, scratch of the plain definition)."""
    images, channels, filters, height, more, side, stride, padding = size
    width = (REGISTER - 1) * stride + side + more
    high, wide = height + 2 * padding, width + 2 * padding
    conv = Convolution(channels, filters, high, wide, side, stride)
    rows, columns = conv.rows, conv.columns
    biases = {"shared": 1, "per_position": rows * columns, "none": 0}[bias]
    x = normal((images, channels, height, width), dtype, 1)
    framed = np.full((images, channels, stride, high, conv.wide), np.nan, dtype)
    for i in range(images):
        without_patches.frame(x[i], framed[i], padding)
    W = normal((filters, channels, side, side), dtype, 2)
    b = normal((filters, biases), dtype, 3)
    dy = normal((images, filters, rows, columns), dtype, 4)
    scratch = np.zeros(channels * side * side * rows * columns, dtype)
    return conv, framed, x, W, b, dy, scratch


def packed_of(conv, W):
    packed = np.full(conv.packed, np.nan, W.dtype)
    without_patches.pack_filters(W.ravel(), conv.filters, conv.taps, packed)
    return packed


def near(found, expected):
    tolerance = 20 * TOLERANCE[expected.dtype] * max(1.0, np.abs(expected).max())
    assert np.abs(found - expected).max() <= tolerance


@pytest.mark.parametrize("dtype", FAST_DTYPES)
@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize("size", SIZES)
def test_forward_is_the_plain_definition_s(size, bias, dtype):
    conv, framed, x, W, b, dy, scratch = layer(size, bias, dtype)
    expected = np.zeros_like(dy)
    conv2d.conv2d_forward(x, W, b, expected, scratch, conv.stride, size[-1])
    forward = without_patches.forward_without_patches
    for kernel in (forward, forward.py_func):
        for i in range(len(x)):
            y = np.full(dy.shape[1:], np.nan, dtype)
            kernel(*conv.up(framed[i].ravel(), packed_of(conv, W), b.ravel(), y.reshape(-1)))
            near(y, expected[i])


@pytest.mark.parametrize("dtype", FAST_DTYPES)
@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize("size", SIZES)
def test_gradients_are_the_plain_definition_s(size, bias, dtype):
    conv, framed, x, W, b, dy, scratch = layer(size, bias, dtype)
    dW, db = np.zeros_like(W), np.zeros_like(b)
    conv2d.conv2d_backward_weights(x, dy, dW, db, scratch, conv.stride, size[-1])
    found = np.full(dW.size, np.nan, dtype)
    own = np.full(conv.scratch, np.nan, dtype)
    arguments = conv.down(framed.ravel(), dy.ravel(), found, len(x), own)
    without_patches_gradient.backward_weights_without_patches(*arguments)
    near(found.reshape(W.shape), dW)
    found = np.full_like(b, np.nan)
    without_patches_gradient.bias_gradient(dy.reshape(len(x), conv.filters, -1), found)
    if found.size:
        near(found, db)


@pytest.mark.parametrize(("side", "padding"), [(1, 0), (2, 0), (5, 0), (5, 2), (3, 2)])
def test_the_input_gradient_is_a_convolution_with_the_flipped_filters(side, padding):
    conv, _, x, W, _, dy, scratch = layer((1, 8, 3, 9, 3, side, 1, padding), "none", np.float64)
    expected = np.zeros_like(x)
    conv2d.conv2d_backward_input(dy, W, expected, scratch, 1, padding)
    turned = np.full(W.swapaxes(0, 1).shape, np.nan)
    without_patches.turn_filters(W, turned)
    border = side - 1 - padding
    framed = np.full((3, 1, conv.rows + 2 * border, conv.columns + 2 * border), np.nan)
    without_patches.frame(dy[0], framed, border)
    dx = np.full_like(x[0], np.nan)
    back = Convolution(3, 8, *framed.shape[2:], side, 1)
    packed = packed_of(back, turned)
    without_patches.forward_without_patches(
        *back.up(framed.ravel(), packed, np.zeros(0), dx.reshape(-1))
    )
    near(dx, expected[0])
