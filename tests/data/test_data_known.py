"""The datasets known by name, on disk; downloads have a file of their own."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from data_helpers import NAMES, idx_bytes, packed, write_folder

from mnistlab.data import describe, list_datasets, open_source, split
from mnistlab.data.sources import SOURCES, published
from mnistlab.support.errors import DataError

MNIST_SHA256 = "9d72319f509d8b6e3adf86652f2130a7eabfef74ac355e8b14b104aab12c49f5"


def flipped(content):
    return content[:-1] + bytes([content[-1] ^ 1])


# Valid files that are not this dataset: their content, and the message.
WRONG = {
    "another pixel": (0, lambda a: flipped(idx_bytes(a)), "expected content of SHA-256"),
    "another pixel, gzipped": (0, lambda a: packed(flipped(idx_bytes(a))), "SHA-256"),
    "fewer images": (0, lambda a: idx_bytes(a[:-1]), "12 × 5 × 5, its header says 11 × 5 × 5"),
    "smaller images": (2, lambda a: idx_bytes(a[:, :4]), "6 × 5 × 5, its header says 6 × 4 × 5"),
    "fewer labels": (1, lambda a: idx_bytes(a[:-1]), "12 labels, its header says 11 labels"),
    "a web page": (3, lambda a: b"<html>", "a web page"),
    "a truncated file": (2, lambda a: packed(idx_bytes(a))[:-9], "truncated"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_file_that_is_not_the_known_one_is_named_with_what_to_do(name, tmp_path, arrays, know):
    know()
    place, make, told = WRONG[name]
    folder = write_folder(tmp_path / "toy", arrays)
    (folder / NAMES[place]).write_bytes(make(arrays[place]))
    with pytest.raises(DataError) as caught:
        open_source("toy", data_dir=tmp_path)
    message = str(caught.value)
    assert message.startswith(f"{folder / NAMES[place]}: expected")
    assert told in message
    assert message.endswith("delete it and run `mnistlab data fetch toy`")


def test_the_copy_of_torchvision_is_used_where_there_is_no_other(
    tmp_path, arrays, know, monkeypatch
):
    monkeypatch.setitem(SOURCES, "toy", replace(know(), torchvision="Toy"))
    folder = write_folder(tmp_path / "Toy" / "raw", arrays)
    source = open_source("toy", data_dir=tmp_path, fetch_missing=False)
    np.testing.assert_array_equal(source.train_images, arrays.train_images)
    (listed,) = [one for one in list_datasets(tmp_path) if one.name == "toy"]
    assert (listed.status, listed.path) == ("present", folder)
    (folder / NAMES[0]).unlink()
    with pytest.raises(DataError) as caught:
        open_source("toy", data_dir=tmp_path, fetch_missing=False)
    assert str(caught.value).startswith(f"{tmp_path / 'toy'}: ")


OWN_FOLDERS = ["toy", "toy/raw", "Toy", "Toy/raw"]


@pytest.mark.parametrize("gzipped", [False, True])
@pytest.mark.parametrize("folder", OWN_FOLDERS)
def test_the_data_dir_may_be_the_folder_of_the_dataset_or_any_folder_above_its_files(
    folder, gzipped, tmp_path, arrays, know, monkeypatch
):
    monkeypatch.setitem(SOURCES, "toy", replace(know(), torchvision="Toy"))
    files = write_folder(tmp_path / folder, arrays, gzipped=gzipped)
    above = [one for one in (files, *files.parents) if one.is_relative_to(tmp_path)]
    for data_dir in above:
        source = open_source("toy", data_dir=data_dir, fetch_missing=False)
        np.testing.assert_array_equal(source.train_images, arrays.train_images)


@pytest.mark.parametrize("fetches", [False, True])
def test_files_in_a_folder_that_names_no_dataset_are_mentioned_and_not_read(
    fetches, tmp_path, arrays, know
):
    know(*(["http://127.0.0.1:9/"] if fetches else []))
    write_folder(tmp_path / "downloads", arrays)
    with pytest.raises(DataError) as caught:
        open_source("toy", data_dir=tmp_path / "downloads", fetch_missing=fetches)
    assert str(caught.value).endswith(
        f"the files in {tmp_path / 'downloads'} itself may be those of any dataset: if they are "
        f"toy, move them into {tmp_path / 'downloads' / 'toy'}"
    )


def test_a_folder_of_torchvision_one_deeper_is_mentioned_and_not_read(
    tmp_path, arrays, know, monkeypatch
):
    monkeypatch.setitem(SOURCES, "toy", replace(know(), torchvision="Toy"))
    write_folder(tmp_path / "data" / "Toy" / "raw", arrays)
    (tmp_path / "data" / "other").mkdir()
    with pytest.raises(DataError) as caught:
        open_source("toy", data_dir=tmp_path, fetch_missing=False)
    root = tmp_path / "data"
    assert caught.value.messages[1:] == (f"{root} has toy: --data-dir {root} reads it",)
    source = open_source("toy", data_dir=root, fetch_missing=False)
    np.testing.assert_array_equal(source.train_images, arrays.train_images)


EMNIST_SPLITS = ("balanced", "byclass", "bymerge", "digits", "letters", "mnist")


def test_every_published_dataset_knows_its_folder_of_torchvision():
    folders = {name: SOURCES[name].torchvision for name in ("mnist", "fashion-mnist", "kmnist")}
    assert folders == {"mnist": "MNIST", "fashion-mnist": "FashionMNIST", "kmnist": "KMNIST"}


def test_labels_beyond_the_classes_are_refused(tmp_path, arrays, know, monkeypatch):
    known = know()
    monkeypatch.setitem(SOURCES, "toy", replace(known, class_names=("a", "b")))
    write_folder(tmp_path / "toy", arrays)
    with pytest.raises(DataError, match="expected labels from 0 to 1, found 2"):
        open_source("toy", data_dir=tmp_path)


def test_the_md5_is_asked_of_a_gzip_and_not_of_an_unpacked_file(tmp_path, arrays, know):
    know(checksum="md5")
    write_folder(tmp_path / "plain" / "toy", arrays)
    write_folder(tmp_path / "packed" / "toy", arrays, gzipped=True)
    for data_dir in ("plain", "packed"):
        source = open_source("toy", data_dir=tmp_path / data_dir)
        np.testing.assert_array_equal(source.train_images, arrays.train_images)
    bad = tmp_path / "packed" / "toy" / f"{NAMES[0]}.gz"
    bad.write_bytes(packed(flipped(idx_bytes(arrays.train_images))))
    with pytest.raises(DataError, match=r"a \.gz of MD5"):
        open_source("toy", data_dir=tmp_path / "packed")


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("separator", ["-", "."])
def test_both_spellings_gzipped_or_not_are_accepted(separator, suffix, tmp_path, arrays, know):
    know()
    folder = write_folder(tmp_path / "toy", arrays, gzipped=bool(suffix))
    for path in list(folder.iterdir()):
        path.rename(folder / path.name.replace("-idx", f"{separator}idx"))
    source = open_source("toy", data_dir=tmp_path, fetch_missing=False)
    np.testing.assert_array_equal(source.test_labels, arrays.test_labels)


def test_the_same_images_have_one_digest_whatever_holds_them(tmp_path, arrays, know):
    know()
    write_folder(tmp_path / "plain" / "toy", arrays)
    own = write_folder(tmp_path / "packed" / "toy", arrays, gzipped=True)
    digests = {
        open_source("toy", data_dir=tmp_path / "plain").sha256,
        open_source("toy", data_dir=tmp_path / "packed").sha256,
        open_source("idx", own, data_dir=tmp_path).sha256,
    }
    shape_bytes = [np.array(images.shape, dtype="<u8").tobytes() for images in arrays[::2]]
    stream = b"".join(
        shape + images.tobytes() + labels.tobytes()
        for shape, images, labels in zip(shape_bytes, arrays[::2], arrays[1::2], strict=True)
    )
    assert digests == {hashlib.sha256(stream).hexdigest()}


def test_another_image_has_another_digest(tmp_path, arrays):
    own = write_folder(tmp_path / "own", arrays)
    before = open_source("idx", own, data_dir=tmp_path).sha256
    (own / NAMES[0]).write_bytes(flipped(idx_bytes(arrays.train_images)))
    assert open_source("idx", own, data_dir=tmp_path).sha256 != before


def test_a_source_is_mapped_and_cannot_be_written(tmp_path, arrays):
    source = open_source("idx", write_folder(tmp_path / "own", arrays), data_dir=tmp_path)
    for array in (source.train_images, source.train_labels, source.test_images):
        assert isinstance(array, np.memmap)
        assert array.dtype == np.uint8
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "kmnist"])
def test_every_known_dataset_has_ten_classes_two_mirrors_and_a_checksum_a_file(name):
    dataset = published()[name]
    assert len(set(dataset.class_names)) == 10
    assert len(dataset.mirrors) >= 2
    assert all(mirror.endswith("/") for mirror in dataset.mirrors)
    assert [file.download_name for file in dataset.files] == [f"{n}.gz" for n in NAMES]
    for file in dataset.files:
        assert len(file.sha256 or "") == 64 or len(file.gz_md5 or "") == 32


def test_describe_counts_and_measures(tmp_path, arrays):
    source = open_source("idx", write_folder(tmp_path / "own", arrays), data_dir=tmp_path)
    about = describe(source)
    assert about.image_shape == (5, 5)
    assert about.sha256 == source.sha256
    assert (about.train.count, about.test.count) == (12, 6)
    assert (about.train.per_class, about.test.per_class) == ((4, 4, 4), (2, 2, 2))
    assert about.train.mean == pytest.approx(arrays.train_images.mean(), rel=1e-14)
    assert about.train.std == pytest.approx(arrays.train_images.std(), rel=1e-14)
    assert about.test.std == pytest.approx(arrays.test_images.std(), rel=1e-14)


def test_the_listing_distinguishes_present_absent_incomplete_and_damaged(
    tmp_path, arrays, know, monkeypatch
):
    know()

    def toy():
        return next(listing for listing in list_datasets(tmp_path) if listing.name == "toy")

    assert (toy().status, toy().bytes, toy().problem) == ("absent", 0, None)
    assert toy().path == tmp_path / "toy"
    folder = write_folder(tmp_path / "toy", arrays)
    assert toy().status == "present"
    assert toy().bytes == sum(len(idx_bytes(array)) for array in arrays)
    (folder / NAMES[1]).write_bytes(b"")
    assert toy().status == "damaged"
    assert NAMES[1] in (toy().problem or "")
    (folder / NAMES[1]).unlink()
    assert toy().status == "incomplete"
    assert NAMES[1] in (toy().problem or "")


def test_the_listing_holds_every_named_dataset_and_downloads_nothing(tmp_path):
    listings = list_datasets(tmp_path / "data")
    assert [(listing.name, listing.status) for listing in listings] == [
        ("digits", "bundled"),
        *((f"emnist-{split}", "absent") for split in EMNIST_SPLITS),
        ("fashion-mnist", "absent"),
        ("kmnist", "absent"),
        ("mnist", "absent"),
    ]
    assert not (tmp_path / "data").exists()


@pytest.mark.mnist
def test_real_mnist_has_its_known_counts_and_moments(mnist_data_dir):
    source = open_source("mnist", data_dir=mnist_data_dir, fetch_missing=False)
    about = describe(source)
    assert about.sha256 == MNIST_SHA256
    assert about.train.per_class == (5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949)
    assert about.test.per_class == (980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009)
    # The mean and standard deviation of every PyTorch tutorial.
    assert round(about.train.mean / 255, 4) == 0.1307
    assert round(about.train.std / 255, 4) == 0.3081
    assert source.train_labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert source.test_labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]


@pytest.mark.mnist
def test_real_mnist_keeps_its_last_10000_training_images_for_validation(mnist_data_dir):
    source = open_source("mnist", data_dir=mnist_data_dir, fetch_missing=False)
    dataset = split(source)
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (50000, 10000, 10000)
    np.testing.assert_array_equal(dataset.validation.indices, np.arange(50000, 60000))
