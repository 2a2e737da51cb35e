"""Changes of every image before a network sees it."""

import numpy as np
import pytest

from mnistlab.data import Source
from mnistlab.data.arrays import Arrays, digest
from mnistlab.data.preparation import Preparation, deskewed, resized


def images_of(n=7, height=9, width=6):
    return np.random.default_rng(3).integers(0, 256, (n, height, width), dtype=np.uint8)


def slanted(slope, side=28):
    """A stroke, three pixels wide, that leans to the right by `slope` pixels a row upwards."""
    image = np.zeros((side, side), np.uint8)
    for row in range(4, side - 4):
        middle = round(side / 2 - slope * (row - side / 2))
        image[row, middle - 1 : middle + 2] = 255
    return image


def covariance(image):
    ink = image.astype(float)
    rows, columns = np.indices(ink.shape)
    row, column = ((ink * place).sum() / ink.sum() for place in (rows, columns))
    return (ink * (rows - row) * (columns - column)).sum() / ink.sum(), (row, column)


def test_transposing_swaps_rows_and_columns_and_inverting_turns_black_to_white():
    images = images_of()
    made = Preparation(transpose=True, invert=True)(images)
    np.testing.assert_array_equal(made, 255 - np.swapaxes(images, 1, 2))


@pytest.mark.parametrize("slope", [-0.5, 0.2, 0.6])
def test_a_slanted_stroke_is_made_upright_about_its_centre_of_mass(slope):
    image = slanted(slope)
    (upright,) = deskewed(image[None])
    before, centre = covariance(image)
    after, moved = covariance(upright)
    assert abs(before) > 5
    assert abs(after) < 0.1
    np.testing.assert_allclose(centre, moved, atol=0.05)
    np.testing.assert_allclose(upright.sum(), image.sum(dtype=float), rtol=0.01)


def test_an_image_without_ink_and_one_of_a_single_row_stay():
    images = np.zeros((2, 5, 5), np.uint8)
    images[1, 2] = [0, 10, 200, 0, 3]
    np.testing.assert_array_equal(deskewed(images), images)


def test_half_the_size_is_the_mean_of_four_pixels_and_the_same_size_changes_nothing():
    images = images_of(4, 8, 6)
    expected = images.reshape(4, 4, 2, 3, 2).mean(axis=(2, 4))
    np.testing.assert_array_equal(resized(images, 4, 3), np.floor(expected + 0.5))
    np.testing.assert_array_equal(resized(images, 8, 6), images)
    np.testing.assert_array_equal(resized(images, 16, 12), images.repeat(2, 1).repeat(2, 2))


def test_any_size_keeps_the_mean():
    images = images_of(4, 28, 28)
    made = resized(images, 16, 21)
    assert made.shape == (4, 16, 21)
    np.testing.assert_allclose(made.mean(axis=(1, 2)), images.mean(axis=(1, 2)), atol=0.1)


def test_permuted_pixels_have_one_order_for_all_images_and_another_for_another_seed():
    images = images_of(50)
    made, again, other = (Preparation(permute_pixels=seed)(images) for seed in (5, 5, 6))
    np.testing.assert_array_equal(made, again)
    assert (made != other).any()
    # Each pixel's 50 values are found in one place.
    columns = {tuple(column) for column in images.reshape(50, -1).T}
    assert {tuple(column) for column in made.reshape(50, -1).T} == columns


def test_a_picture_is_not_turned_again():
    whole = Preparation(transpose=True, invert=True, deskew=True, resize=(8, 8), permute_pixels=1)
    assert whole.of_pictures == Preparation(deskew=True, resize=(8, 8), permute_pixels=1)


@pytest.mark.parametrize(
    ("preparation", "after", "before"),
    [
        (Preparation(), (9, 6), (9, 6)),
        (Preparation(transpose=True), (6, 9), (9, 6)),
        (Preparation(transpose=True, resize=(4, 5)), (4, 5), None),
    ],
)
def test_the_sizes_before_and_after_are_known(preparation, after, before):
    assert preparation.shape(9, 6) == after == preparation(images_of()).shape[1:]
    assert preparation.before(after) == before


def test_a_prepared_source_is_kept_for_all_processes(monkeypatch):
    arrays = Arrays(images_of(), np.arange(7, dtype=np.uint8), images_of(3), np.zeros(3, np.uint8))
    source = Source("some", *arrays, ("a",), digest(arrays))
    preparation = Preparation(deskew=True, resize=(5, 5))
    first = preparation.prepared(source)
    np.testing.assert_array_equal(first.test_images, preparation(arrays.test_images))
    np.testing.assert_array_equal(first.train_labels, arrays.train_labels)
    assert first.sha256 == source.sha256
    monkeypatch.setattr(Preparation, "__call__", None)
    second = preparation.prepared(source)
    np.testing.assert_array_equal(first.train_images, second.train_images)
    assert Preparation().prepared(source) is source
