import numpy as np
import pytest
from kernel_helpers import assert_gradient, normal

from mnistlab.blocks.layers.dense.maths import (
    dense_backward_input,
    dense_backward_weights,
    dense_forward,
)


@pytest.fixture
def layer():
    """x (5, 4), W (4, 3), b (3,), and the gradient c (5, 3) of a scalar with respect
    to the output.
    """
    return tuple(normal(shape, seed=i) for i, shape in enumerate([(5, 4), (4, 3), (3,), (5, 3)]))


def scalar(x, W, b, c):
    y = np.empty_like(c)
    dense_forward(x, W, b, y)
    return float((c * y).sum())


@pytest.mark.parametrize("biased", [True, False])
def test_forward_is_the_affine_map(layer, biased):
    x, W, b, y = layer
    dense_forward(x, W, b if biased else b[:0], y)
    expected = np.einsum("ni,io->no", x, W) + (b if biased else 0)
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-14)


def test_the_gradients_by_weights_biases_and_input_are_those_of_finite_differences(layer):
    x, W, b, c = layer
    dW, db, dx = np.full_like(W, np.nan), np.full_like(b, np.nan), np.full_like(x, np.nan)
    dense_backward_weights(x, c, dW, db)
    dense_backward_input(c, W, dx)
    for gradient, by in ((dW, W), (db, b), (dx, x)):
        assert_gradient(gradient, lambda: scalar(x, W, b, c), by)


def test_without_a_bias_the_gradient_by_the_weights_is_the_same(layer):
    x, W, b, c = layer
    with_bias, without = np.empty_like(W), np.empty_like(W)
    dense_backward_weights(x, c, with_bias, np.empty_like(b))
    dense_backward_weights(x, c, without, b[:0])
    np.testing.assert_array_equal(with_bias, without)
    assert_gradient(without, lambda: scalar(x, W, b[:0], c), W)


def test_blocks_of_columns_side_by_side_make_the_whole(layer):
    x, W, b, c = layer
    y, dW, dx = np.empty_like(c), np.empty_like(W), np.empty_like(x)
    for block in (slice(0, 1), slice(1, 1), slice(1, 3)):
        dense_forward(x, W[:, block], b[block], y[:, block])
    for block in (slice(0, 3), slice(3, 4)):
        dense_backward_weights(x[:, block], c, dW[block], b[:0])
        dense_backward_input(c, W[block], dx[:, block])
    np.testing.assert_allclose(y, x @ W + b, rtol=0, atol=1e-14)
    np.testing.assert_allclose(dW, x.T @ c, rtol=0, atol=1e-14)
    np.testing.assert_allclose(dx, c @ W.T, rtol=0, atol=1e-14)
