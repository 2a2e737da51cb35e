"""The `idx` source: a folder of the user's own files."""

import numpy as np
import pytest
from data_helpers import NAMES, idx_bytes, small_arrays, write_folder

from mnistlab.data import SOURCES, open_source
from mnistlab.support.errors import DataError, UsageError


def test_an_idx_folder_opens_with_any_image_size(tmp_path):
    arrays = small_arrays(side=7, classes=3)
    source = open_source("idx", write_folder(tmp_path / "own", arrays), data_dir=tmp_path)
    assert source.train_images.shape == (12, 7, 7)
    assert source.class_names == ("0", "1", "2")
    np.testing.assert_array_equal(source.train_images, arrays.train_images)
    np.testing.assert_array_equal(source.test_labels, arrays.test_labels)


def test_images_need_not_be_square(tmp_path):
    arrays = small_arrays()
    arrays = arrays._replace(
        train_images=arrays.train_images[:, :3], test_images=arrays.test_images[:, :3]
    )
    source = open_source("idx", write_folder(tmp_path / "own", arrays), data_dir=tmp_path)
    assert source.train_images.shape[1:] == (3, 5)
    np.testing.assert_array_equal(source.train_images, arrays.train_images)


def test_the_classes_are_counted_over_both_parts(tmp_path):
    arrays = small_arrays()
    arrays = arrays._replace(test_labels=np.full(6, 255, dtype=np.uint8))
    source = open_source("idx", write_folder(tmp_path / "own", arrays), data_dir=tmp_path)
    assert len(source.class_names) == 256


@pytest.mark.parametrize(
    "names",
    [
        ("train-images.idx3-ubyte", "train-labels.idx1-ubyte", "t10k-images.idx3-ubyte"),
        ("train-images", "train-labels", "test-images"),
        ("TRAIN_IMAGES.idx", "train_labels.IDX", "Test_Images.idx"),
        ("emnist-train-images-idx3-ubyte", "emnist-train-labels-idx1-ubyte", "emnist-test-images"),
    ],
)
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_names_like_mnists_are_recognised(names, suffix, tmp_path):
    folder = write_folder(tmp_path / "own", small_arrays())
    for old, new in zip(NAMES, names, strict=False):
        (folder / old).rename(folder / (new + suffix))
    (folder / "README.txt").write_text("about these images")
    source = open_source("idx", folder, data_dir=tmp_path)
    np.testing.assert_array_equal(source.train_images, small_arrays().train_images)
    np.testing.assert_array_equal(source.test_images, small_arrays().test_images)


def test_a_plain_file_is_read_before_the_same_one_gzipped(tmp_path):
    folder = write_folder(tmp_path / "own", small_arrays())
    (folder / f"{NAMES[0]}.gz").write_bytes(b"not even gzip")
    source = open_source("idx", folder, data_dir=tmp_path)
    np.testing.assert_array_equal(source.train_images, small_arrays().train_images)


def test_two_files_that_could_be_the_same_one_are_refused(tmp_path):
    folder = write_folder(tmp_path / "own", small_arrays())
    (folder / "test-images.idx").write_bytes(idx_bytes(small_arrays().train_images))
    with pytest.raises(DataError, match="one file of test images, found t10k-images") as caught:
        open_source("idx", folder, data_dir=tmp_path)
    assert "test-images.idx" in str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_file_is_named(name, tmp_path):
    folder = write_folder(tmp_path / "own", small_arrays())
    (folder / name).unlink()
    with pytest.raises(DataError, match=f"a file named like {name}"):
        open_source("idx", folder, data_dir=tmp_path)


@pytest.mark.parametrize("path", ["nowhere", "file", "a\0b"])
def test_a_path_that_is_no_folder_is_a_data_error(path, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DataError, match="expected a folder of four IDX files"):
        open_source("idx", tmp_path / path, data_dir=tmp_path)


def test_images_and_labels_must_agree_in_number(tmp_path):
    arrays = small_arrays()
    folder = write_folder(tmp_path / "own", arrays._replace(test_labels=arrays.test_labels[:-1]))
    with pytest.raises(DataError, match=r"t10k-labels.* expected 6 labels.* found 5"):
        open_source("idx", folder, data_dir=tmp_path)


def test_training_and_test_images_must_agree_in_size(tmp_path):
    arrays = small_arrays()
    folder = write_folder(tmp_path / "own", arrays._replace(test_images=arrays.test_images[:, :4]))
    with pytest.raises(DataError, match=r"t10k-images.* expected images of 5 × 5.* found 4 × 5"):
        open_source("idx", folder, data_dir=tmp_path)


def test_one_class_alone_is_refused(tmp_path):
    arrays = small_arrays(classes=1)
    folder = write_folder(tmp_path / "own", arrays)
    with pytest.raises(DataError, match="labels of two classes or more"):
        open_source("idx", folder, data_dir=tmp_path)


def test_an_idx_source_needs_a_path(tmp_path):
    with pytest.raises(UsageError, match=r"data\.path: idx needs"):
        open_source("idx", data_dir=tmp_path)


def test_the_other_sources_take_no_path(tmp_path):
    with pytest.raises(UsageError, match=r"data\.path: digits takes none"):
        open_source("digits", tmp_path, data_dir=tmp_path)


def test_an_unknown_source_lists_the_known_ones(tmp_path):
    with pytest.raises(UsageError, match=r"data\.source: found 'cifar'; choose from ") as refused:
        open_source("cifar", data_dir=tmp_path)
    listed = str(refused.value).partition("choose from ")[2].split(", ")
    assert listed == sorted(SOURCES)
    assert {"digits", "emnist-letters", "idx", "mnist"} <= set(listed)
