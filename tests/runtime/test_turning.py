"""Squares of images transposed into vectors of one pixel each, and back."""

import numpy as np
import pytest
from kernel_helpers import DTYPES, assert_interpreted_equals_compiled, normal

from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.turning import turn, turn_in, turn_out
from mnistlab.runtime.vectors import REGISTER


@kernel
def turn_square(images, numbers, first, size, at, turned, to, stride):
    turn(images, numbers, first, size, at, turned, to, stride)


@pytest.mark.parametrize("first", [0, 5])
def test_a_square_of_images_is_turned_and_where_there_are_no_more_the_last_is_repeated(first):
    images = np.random.default_rng(0).integers(0, 256, (30, 40)).astype(np.uint8)
    numbers = np.random.default_rng(1).permutation(30)[:19]

    def arguments():
        return images.ravel(), numbers, first, 40, 7, np.zeros(2000, np.uint8), 9, 64

    assert_interpreted_equals_compiled(turn_square, arguments)
    made = arguments()
    turn_square(*made)
    expected = np.zeros(2000, np.uint8)
    taken = numbers[np.minimum(first + np.arange(16), 18)]
    for k in range(16):
        expected[9 + 64 * k : 9 + 64 * k + 16] = images[taken, 7 + k]
    np.testing.assert_array_equal(made[5], expected)


@kernel
def turn_rows_in(rows, at, size, last, tile, to):
    turn_in(rows, at, size, last, tile, to)


@kernel
def turn_rows_out(tile, at, rows, to, size, last):
    turn_out(tile, at, rows, to, size, last)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [1, REGISTER - 1, REGISTER])
def test_rows_are_turned_in_and_out_and_those_that_lack_are_zeros_or_left_alone(rows, dtype):
    size = REGISTER + 9
    images = normal((rows, size), dtype)

    def turning_in():
        return images.ravel(), 4, size, rows - 1, normal(2 * REGISTER**2, dtype, 1), 3

    def turning_out():
        tile = normal(2 * REGISTER**2, dtype, 1)
        return tile, 3, normal(rows * size, dtype, 2), 4, size, rows - 1

    assert_interpreted_equals_compiled(turn_rows_in, turning_in)
    assert_interpreted_equals_compiled(turn_rows_out, turning_out)
    made = turning_in()
    turn_rows_in(*made)
    square = made[4][3:][: REGISTER**2].reshape(REGISTER, REGISTER)
    np.testing.assert_array_equal(square[:, :rows].T, images[:, 4 : 4 + REGISTER])
    assert (square[:, rows:] == 0).all()
    back = np.zeros_like(images).ravel()
    turn_rows_out(made[4], 3, back, 4, size, rows - 1)
    np.testing.assert_array_equal(
        back.reshape(rows, size)[:, 4 : 4 + REGISTER], images[:, 4 : 4 + REGISTER]
    )
