"""Augmentations compared with SciPy's filters and interpolation, and the distribution of their
numbers.
"""

import math

import numpy as np
import pytest
from augmentation_cases import bytes_of
from kernel_helpers import DTYPES
from scipy.ndimage import gaussian_filter, map_coordinates

from mnistlab.blocks.augmentations._coordinates import (
    FRAME,
    identity_map,
    neighbours,
    read_at,
    uniform,
)
from mnistlab.blocks.augmentations.affine import affine_map
from mnistlab.blocks.augmentations.elastic.maths import (
    displacement_noise,
    gaussian_matrix,
    smooth,
)
from mnistlab.blocks.augmentations.flip import flip_map
from mnistlab.blocks.augmentations.shift import shift_map, whole_shift

DRAWS = 4000


def grid(height, width, dtype=np.float64):
    rows, columns = np.empty(height * width, dtype), np.empty(height * width, dtype)
    identity_map(width, rows, columns)
    return rows, columns


def read(image, rows, columns):
    """The image interpolated at coordinates, uint8 (height, width)."""
    height, width = image.shape
    stride = width + FRAME
    fours = np.empty((height + 2) * stride, np.uint32)
    neighbours(image.ravel(), width, np.zeros((height + FRAME) * stride + 1, np.uint8), fours)
    out = np.empty(image.size, np.uint8)
    found = np.empty(image.size, np.uint32)
    read_at(height, width, fours, rows.copy(), columns.copy(), found, out)
    return out.reshape(image.shape)


def affine(image, angle=0.0, scale=1.0, shear=0.0, down=0.0, right=0.0):
    height, width = image.shape
    rows, columns = grid(height, width)
    affine_map(height, width, angle, scale, shear, down, right, rows, columns)
    return read(image, rows, columns)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(28, 28), (5, 9), (1, 1), (40, 3)])
def test_an_image_is_read_as_scipy_interpolates_it_with_zeros_around(shape, dtype):
    image = bytes_of(shape)
    rng = np.random.default_rng(1)
    rows, columns = (rng.uniform(-3, side + 2, image.size).astype(dtype) for side in shape)
    values = map_coordinates(
        image.astype(np.float64), [rows, columns], order=1, mode="grid-constant"
    )
    found = read(image, rows, columns).ravel()
    # float32 may round a value between two bytes to the other one.
    assert np.abs(found - values).max() <= 0.5 + {np.float32: 1e-3, np.float64: 1e-9}[dtype]


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_image_read_at_its_own_pixels_is_itself(dtype):
    image = bytes_of((28, 28))
    np.testing.assert_array_equal(read(image, *grid(28, 28, dtype)), image)


def test_nothing_is_found_far_outside_an_image():
    far = np.full(784, 1e30, np.float32)
    assert not read(bytes_of((28, 28)), far, -far).any()


def test_a_shift_moves_the_image_down_and_right():
    image = bytes_of((6, 7))
    rows, columns = grid(6, 7)
    shift_map(2, -3, rows, columns)
    expected = np.zeros_like(image)
    expected[2:, :-3] = image[:-2, 3:]
    np.testing.assert_array_equal(read(image, rows, columns), expected)


def test_a_flip_mirrors_left_and_right():
    image = bytes_of((6, 7))
    rows, columns = grid(6, 7)
    flip_map(7, columns)
    np.testing.assert_array_equal(read(image, rows, columns), image[:, ::-1])


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_quarter_turn_turns_to_the_left(quarters):
    image = bytes_of((28, 28))
    np.testing.assert_array_equal(
        affine(image, angle=quarters * math.pi / 2), np.rot90(image, quarters)
    )


def test_half_the_size_is_every_second_pixel_in_the_middle():
    image = bytes_of((9, 9))
    expected = np.zeros_like(image)
    expected[2:7, 2:7] = image[::2, ::2]
    np.testing.assert_array_equal(affine(image, scale=0.5), expected)


def test_a_shear_by_45_degrees_moves_each_row_by_its_height_above_the_middle():
    image = bytes_of((5, 11))
    expected = np.zeros_like(image)
    for row in range(5):
        for column in range(11):
            # Up is to the left, or to the right: the sign is drawn.
            source = column - (row - 2)
            if 0 <= source < 11:
                expected[row, column] = image[row, source]
    np.testing.assert_array_equal(affine(image, shear=math.pi / 4), expected)


def test_an_affine_shift_is_that_of_scipy():
    image = bytes_of((8, 9))
    rows, columns = np.indices(image.shape).astype(float)
    values = map_coordinates(
        image.astype(float), [rows - 0.25, columns + 1.5], order=1, mode="grid-constant"
    )
    np.testing.assert_array_equal(affine(image, down=0.25, right=-1.5), np.floor(values + 0.5))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sigma", [1e-3, 0.3, 1.0, 4.0, 30.0])
@pytest.mark.parametrize(("height", "width"), [(28, 28), (9, 14)])
def test_a_field_is_smoothed_as_scipy_does(height, width, sigma, dtype):
    across, along = np.empty((height, height), dtype), np.empty((width, width), dtype)
    gaussian_matrix(sigma, across)
    gaussian_matrix(sigma, along)
    fields = np.random.default_rng(2).uniform(-1, 1, (height, 3, width)).astype(dtype)
    expected = [
        34 * gaussian_filter(f.astype(float), sigma, mode="constant")
        for f in np.swapaxes(fields, 0, 1)
    ]
    by_rows = fields.reshape(height, -1)
    smooth(34.0, across, along, by_rows, np.empty_like(by_rows))
    tolerance = {np.float32: 1e-5, np.float64: 1e-13}[dtype]
    for number in range(3):
        np.testing.assert_allclose(fields[:, number], expected[number], atol=34 * tolerance)


def test_noise_is_uniform_and_its_two_fields_are_independent():
    noise = np.empty((200, 2, 200))
    displacement_noise(123, 456, 200, 200, 400, noise.ravel())
    first, second = noise[:, 0].ravel(), noise[:, 1].ravel()
    for field in (first, second):
        assert -1 < field.min() < -0.99
        assert 0.99 < field.max() < 1
        counts = np.histogram(field, 20, (-1, 1))[0]
        assert ((counts - 2000) ** 2 / 2000).sum() < 19 + 5 * math.sqrt(38)
        assert abs(np.corrcoef(field[:-1], field[1:])[0, 1]) < 5 / math.sqrt(len(field))
    assert abs(np.corrcoef(first, second)[0, 1]) < 5 / math.sqrt(len(first))


@pytest.mark.parametrize("pixels", [0, 1, 2])
def test_every_whole_shift_is_as_likely(pixels):
    found = np.array([whole_shift(5, 6, number, pixels) for number in range(DRAWS)])
    counts = np.bincount(found + pixels, minlength=2 * pixels + 1)
    assert len(counts) == 2 * pixels + 1
    expected = DRAWS / len(counts)
    assert ((counts - expected) ** 2 / expected).sum() < 2 * pixels + 5 * math.sqrt(
        4 * pixels
    ) + 1e-9


def test_uniform_numbers_fill_their_range():
    found = np.array([uniform(5, 6, number, -3.0, 1.0) for number in range(DRAWS)])
    assert -3 <= found.min() < -2.99
    assert 0.99 < found.max() < 1
    assert abs(found.mean() + 1) < 5 * 4 / math.sqrt(12 * DRAWS)
