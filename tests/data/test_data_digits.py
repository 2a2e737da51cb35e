import os
import subprocess
import sys

import numpy as np
import pytest

from mnistlab.data import describe, open_source, split
from mnistlab.data.sources.digits import enlarge

DIGITS_SHA256 = "4ea1b3e9083d4d7c0367cb2b4144bdf35b763be057ba4cdf9a22dac7ed4e4976"


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("digits")
        patch.setenv("MNISTLAB_CACHE_DIR", str(folder / "cache"))
        yield open_source("digits", data_dir=folder / "data")
    assert not (folder / "data").exists()


def test_digits_has_1437_training_and_360_test_images_of_28_by_28(digits):
    assert digits.train_images.shape == (1437, 28, 28)
    assert digits.test_images.shape == (360, 28, 28)
    assert digits.class_names == tuple("0123456789")


def test_digits_are_the_same_bytes_everywhere(digits):
    assert digits.sha256 == DIGITS_SHA256


def test_the_counts_per_class_are_scikit_learns(digits):
    about = describe(digits)
    total = np.add(about.train.per_class, about.test.per_class)
    assert total.tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert about.test.per_class == (35, 36, 35, 37, 37, 37, 37, 36, 33, 37)


def test_the_frame_of_four_pixels_is_blank_and_the_middle_is_not(digits):
    for images in (digits.train_images, digits.test_images):
        frame = np.ones((28, 28), dtype=bool)
        frame[4:-4, 4:-4] = False
        assert not images[:, frame].any()
        assert images.max() == 255
        # Ink is in the rows next to the margin, above and below: the digits are centred.
        assert images[:, 4].any()
        assert images[:, -5].any()


def test_the_images_are_scikit_learn_s_and_the_test_set_is_the_last_360(digits):
    from sklearn.datasets import load_digits

    bundled = load_digits()
    for labels, images, part in (
        (digits.train_labels, digits.train_images, slice(0, -360)),
        (digits.test_labels, digits.test_images, slice(-360, None)),
    ):
        np.testing.assert_array_equal(labels, bundled.target[part])
        np.testing.assert_array_equal(
            images[:, 4:-4, 4:-4], enlarge(bundled.images[part].astype(np.int64))
        )


def test_enlarging_is_bilinear_to_half_a_grey_level():
    rng = np.random.default_rng(3)
    images = rng.integers(0, 17, (5, 8, 8))
    centres = np.clip((np.arange(20) + 0.5) * 8 / 20 - 0.5, 0, 7)

    def along_last(values):
        lines = values.reshape(-1, 8)
        enlarged = np.array([np.interp(centres, np.arange(8), line) for line in lines])
        return enlarged.reshape(*values.shape[:-1], 20)

    expected = along_last(along_last(images.astype(float)).swapaxes(1, 2)).swapaxes(1, 2)
    assert np.abs(enlarge(images) - expected * 255 / 16).max() <= 0.5 + 1e-9


@pytest.mark.parametrize(("ink", "grey"), [(0, 0), (16, 255), (8, 128)])
def test_enlarging_keeps_an_even_grey(ink, grey):
    enlarged = enlarge(np.full((1, 8, 8), ink))
    assert enlarged.dtype == np.uint8
    assert (enlarged == grey).all()


def test_enlarging_a_mirrored_image_mirrors_it():
    images = np.random.default_rng(3).integers(0, 17, (5, 8, 8))
    np.testing.assert_array_equal(enlarge(images[:, ::-1]), enlarge(images)[:, ::-1])
    np.testing.assert_array_equal(enlarge(images.swapaxes(1, 2)), enlarge(images).swapaxes(1, 2))


def test_auto_validation_of_digits_is_a_fifth(digits):
    dataset = split(digits)
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (1150, 287, 360)


def test_digits_are_read_without_scikit_learn(tmp_path):
    code = (
        "import sys; from pathlib import Path; from mnistlab.data import open_source; "
        "open_source('digits', data_dir=Path('unused')); "
        "print('sklearn' in sys.modules, 'requests' in sys.modules, 'pandas' in sys.modules)"
    )
    environment = {**os.environ, "MNISTLAB_CACHE_DIR": str(tmp_path)}
    for _ in range(2):  # decoded, then from the cache
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == "False False False\n"
