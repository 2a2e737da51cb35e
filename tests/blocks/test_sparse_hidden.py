"""A dense layer behind a ReLU: zero inputs are not read, and get no gradient."""

import numpy as np
import pytest
from kernel_helpers import FAST_DTYPES, normal
from sparse_helpers import (
    SPARSE_HIDDEN_BACKWARD,
    SPARSE_HIDDEN_FORWARD,
    SPARSE_HIDDEN_LANES,
    sparse_numbers,
)
from test_sparse_input import KEPT, LR, after, close

from mnistlab.blocks.layers.dense import choice
from mnistlab.blocks.layers.dense.sparse_hidden import BLOCK, find_inputs, turn_bits
from mnistlab.runtime.actions import ADD, DECAY, MOMENTUM, SET, SGD

# A block of inputs, [first, first + size) of rows with MORE; and the columns of a wider weight.
FIRST, MORE, WIDTH = 3, 140, SPARSE_HIDDEN_LANES + 6


def bits_of(x, size, first=FIRST):
    """The words of a block of `size` inputs of x (images, more)."""
    bits = np.full(BLOCK, 2**64 - 1, np.uint64)
    find_inputs(x.ravel()[first:], x.shape[1], len(x), size, bits)
    return bits


@pytest.mark.parametrize("dtype", FAST_DTYPES)
@pytest.mark.parametrize("share", [0.0, 0.05, 0.3, 1.0])
@pytest.mark.parametrize("size", [1, 63, 64])
def test_a_bit_is_set_exactly_where_a_number_is_not_zero(size, share, dtype):
    for images in (1, 7, BLOCK):
        x = sparse_numbers(images, MORE, share, dtype)
        bits = bits_of(x, size)
        for i in range(BLOCK):
            lit = np.flatnonzero(x[i, FIRST : FIRST + size]) if i < images else []
            assert int(bits[i]) == sum(1 << int(k) for k in lit)


def test_a_nan_is_seen_and_a_minus_zero_is_not():
    x = np.zeros((2, MORE))
    x[1, FIRST + 4], x[0, FIRST + 5] = np.nan, -0.0
    assert bits_of(x, 60)[:3].tolist() == [0, 1 << 4, 0]


def test_a_square_of_bits_is_turned():
    bits = np.random.default_rng(0).integers(0, 2**64, 64, np.uint64)
    square = np.array([[int(word) >> k & 1 for k in range(64)] for word in bits])
    turn_bits(bits)
    found = np.array([[int(word) >> k & 1 for k in range(64)] for word in bits])
    np.testing.assert_array_equal(found, square.T)


CASES = [(1, 64, 0.2), (13, 33, 0.0), (32, 50, 0.2), (BLOCK, 64, 1.0)]


@pytest.mark.parametrize("dtype", FAST_DTYPES)
@pytest.mark.parametrize(("images", "size", "share"), CASES)
def test_forward_adds_the_product_with_all_inputs(images, size, share, dtype):
    x = sparse_numbers(images, MORE, share, dtype)
    W, tile = normal((size, WIDTH), dtype, 1), normal((images, SPARSE_HIDDEN_LANES), dtype, 2)
    expected = (
        tile + x[:, FIRST : FIRST + size].astype(np.float64) @ W[:, 2 : 2 + SPARSE_HIDDEN_LANES]
    )
    bits = bits_of(x, size)
    SPARSE_HIDDEN_FORWARD(bits, x.ravel()[FIRST:], MORE, images, W.ravel()[2:], WIDTH, tile.ravel())
    close(tile, expected, dtype, 30)


@pytest.mark.parametrize("use", [SET, ADD, DECAY, SGD, MOMENTUM])
@pytest.mark.parametrize("dtype", FAST_DTYPES)
@pytest.mark.parametrize("sends", [True, False])
@pytest.mark.parametrize(
    ("images", "size", "share"), [*CASES, (100, 64, 0.3), (2 * BLOCK, 40, 0.2)]
)
def test_backward_sends_down_by_the_weights_before_the_step_and_puts_the_gradient_to_use(
    images, size, share, sends, dtype, use
):
    x = sparse_numbers(images, BLOCK, share, dtype)
    x[:, size:] = 0
    start, state = normal((size, WIDTH), dtype, 1), normal((size, WIDTH), dtype, 2)
    dy = normal((images, SPARSE_HIDDEN_LANES), dtype, 3)
    W, G, dx = start.copy(), state.copy(), normal((images, BLOCK), dtype, 4)
    before = dx.copy()
    words = [bits_of(x[first : first + BLOCK], size, 0) for first in range(0, images, BLOCK)]
    for own in words:
        turn_bits(own)
    SPARSE_HIDDEN_BACKWARD(
        np.concatenate(words), x.ravel(), images, size, dy.ravel(), use, W.ravel()[2:],
        G.ravel()[2:], WIDTH, LR, KEPT, sends, dx.ravel(),
    )  # fmt: skip
    own = slice(2, 2 + SPARSE_HIDDEN_LANES)
    wide = dy.astype(np.float64)
    gradient = x[:, :size].astype(np.float64).T @ wide
    expected = after(use, gradient, *(np.float64(each[:, own]) for each in (start, state)))
    close(W[:, own], expected[0], dtype, 30)
    close(G[:, own], expected[1], dtype, 30)
    sent = np.zeros(dx.shape)
    if sends:
        sent[:, :size] = np.where(x[:, :size] != 0, wide @ start[:, own].T, 0)
    close(dx, before + sent, dtype, 30)
    np.testing.assert_array_equal(dx[x == 0], before[x == 0])
    for found, was in ((W, start), (G, state)):
        found[:, own] = was[:, own]
        np.testing.assert_array_equal(found, was)


@pytest.mark.parametrize(
    ("nonzero", "rows", "inputs", "outputs", "skips"),
    [
        (0.5, 64, 512, 256, True),
        (0.5, 100, 2000, 2000, False),
        (0.25, 100, 2000, 2000, True),
        (0.5, 64, 43_264, 128, True),  # its inputs are divided: it is read and written once
    ],
)
def test_the_choice_with_avx2_is_that_of_the_measurements(
    nonzero, rows, inputs, outputs, skips, monkeypatch
):
    monkeypatch.setattr(choice, "REGISTER", 8)
    assert choice.skips_zero_inputs(nonzero, rows, inputs, outputs) == skips
