"""A layer of few outputs with transposed weights, compared with the plain products."""

import numpy as np
import pytest
from few_outputs_cases import turned
from kernel_helpers import FAST_DTYPES, normal
from test_sparse_input import KEPT, LR, after, close

from mnistlab.blocks.layers.dense.few_outputs import (
    OUTPUTS,
    WIDE,
    few_outputs_backward_input,
    few_outputs_backward_weights,
    few_outputs_forward,
)
from mnistlab.runtime.actions import ADD, DECAY, MOMENTUM, SET, SGD

SIZES = [(1, 1, 5), (2, 7, 6), (3, WIDE, 10), (32, 3 * WIDE + 1, 10), (5, 100, 16), (4, 90, 11)]


@pytest.mark.parametrize("dtype", FAST_DTYPES)
@pytest.mark.parametrize(("images", "inputs", "outputs"), SIZES)
def test_forward_and_backward_are_the_plain_products(images, inputs, outputs, dtype):
    x, bias = normal((images, inputs), dtype), normal(outputs, dtype, 2)
    rows = turned(dtype, inputs, outputs)
    W = rows[:, :inputs].T.astype(np.float64)
    stride = rows.shape[1]
    for b in (bias, bias[:0]):
        y = np.full((images, outputs), np.nan, dtype)
        few_outputs_forward(x, rows.ravel(), stride, b, y)
        close(y, x.astype(np.float64) @ W + (b if b.size else 0), dtype, 60)
    dy = normal((images, outputs), dtype, 3)
    dx = np.full((images + 1, inputs), np.nan, dtype)
    few_outputs_backward_input(dy, rows.ravel(), stride, dx[:images])
    close(dx[:images], dy.astype(np.float64) @ W.T, dtype, 30)
    assert np.isnan(dx[images]).all(), "nothing is written behind the last image"


@pytest.mark.parametrize("use", [SET, ADD, DECAY, SGD, MOMENTUM])
@pytest.mark.parametrize("dtype", FAST_DTYPES)
@pytest.mark.parametrize(("images", "inputs", "outputs"), SIZES)
def test_the_gradient_is_put_to_use_part_by_part(images, inputs, outputs, dtype, use):
    x, dy = normal((images, inputs), dtype), normal((images, outputs), dtype, 3)
    start, state = turned(dtype, inputs, outputs, 1), turned(dtype, inputs, outputs, 2)
    gradient = np.zeros(start.shape)
    gradient[:, :inputs] = dy.T.astype(np.float64) @ x
    expected = after(use, gradient, start.astype(np.float64), state.astype(np.float64))
    W, G = start.copy(), state.copy()
    for first in range(0, inputs, WIDE):
        last = min(inputs, first + WIDE)
        few_outputs_backward_weights(
            x, dy, first, last, use, W.ravel(), G.ravel(), start.shape[1], LR, KEPT
        )
        np.testing.assert_array_equal(W[:, first + WIDE :], start[:, first + WIDE :])
    close(W, expected[0], dtype, 30)
    close(G, expected[1], dtype, 30)
    assert not W[:, inputs:].any(), "what is beyond the inputs stays zero"


def test_an_output_that_is_done_again_counts_once():
    """If the outputs are not a multiple of those computed at once, some are in two groups."""
    for outputs in range(OUTPUTS, 2 * OUTPUTS + 1):
        dy, rows = np.ones((2, outputs), np.float32), np.zeros((outputs, WIDE), np.float32)
        rows[:, 0] = 1
        dx = np.zeros((2, 1), np.float32)
        few_outputs_backward_input(dy, rows.ravel(), WIDE, dx)
        np.testing.assert_array_equal(dx, outputs)
