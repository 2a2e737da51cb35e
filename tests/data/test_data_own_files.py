"""Tests for the user's own files in every format."""

import os
import sys
import time

import numpy as np
import pytest
from data_helpers import small_arrays
from own_files_helpers import CONTAINERS, SMALL, assert_same, open_own, refusal, write_csv

from mnistlab.data import cache, describe, files, open_source, split
from mnistlab.data.arrays import Arrays
from mnistlab.data.sources import with_path
from mnistlab.support.errors import UsageError
from mnistlab.support.memory import AvailableMemory

# A file with numbers only is read as square images.
TELLING_SHAPES = ("idx", "idx, gzipped", "png", "csv with a header", "npz", "npz, compressed")
MANY = small_arrays(train=150, test=50, side=6, classes=10)


def of_shape(height, width):
    rng = np.random.default_rng(3)
    images = rng.integers(0, 256, (5, height, width), dtype=np.uint8)
    return Arrays(images[:3], np.arange(3, dtype=np.uint8), images[3:], np.ones(2, dtype=np.uint8))


@pytest.fixture(scope="module")
def idx_sha256(tmp_path_factory):
    folder = tmp_path_factory.mktemp("idx")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MNISTLAB_CACHE_DIR", str(folder / "cache"))
        return open_own("idx", CONTAINERS["idx"][1](folder / "own", MANY)).sha256


@pytest.fixture
def decodings(monkeypatch):
    """What was decoded, by the source's name; the rest came from the cache."""
    names, load = [], cache.load

    def counting(name, identity, decode):
        def counted():
            names.append(name)
            return decode()

        return load(name, identity, counted)

    monkeypatch.setattr(cache, "load", counting)
    return names


@pytest.mark.parametrize("container", CONTAINERS)
def test_the_same_images_are_the_same_arrays_with_the_same_digest_in_every_container(
    container, tmp_path, idx_sha256
):
    name, write = CONTAINERS[container]
    source = open_own(name, write(tmp_path / "own", MANY))
    assert_same(source, MANY)
    assert source.sha256 == idx_sha256
    assert source.class_names == tuple("0123456789")
    assert source.name == name


@pytest.mark.parametrize("container", TELLING_SHAPES)
def test_images_may_be_oblong_where_the_files_tell_the_shape(container, tmp_path):
    name, write = CONTAINERS[container]
    oblong = of_shape(3, 5)
    assert_same(open_own(name, write(tmp_path / "own", oblong)), oblong)


@pytest.mark.parametrize("container", CONTAINERS)
def test_every_container_is_decoded_once(container, tmp_path, decodings):
    name, write = CONTAINERS[container]
    folder = write(tmp_path / "own", SMALL)
    for _ in range(3):
        source = open_own(name, folder)
        assert isinstance(source.train_images, np.memmap)
        assert_same(source, SMALL)
    assert decodings == [name]


@pytest.mark.parametrize("container", CONTAINERS)
def test_an_edit_of_one_file_of_any_container_is_noticed(container, tmp_path, decodings):
    name, write = CONTAINERS[container]
    folder = write(tmp_path / "own", SMALL)
    before = open_own(name, folder)
    edited = SMALL._replace(test_images=SMALL.test_images.copy())
    edited.test_images[-1, 2, 2] ^= 1
    write(tmp_path / "edited", edited)
    changed = 0
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        new = (tmp_path / "edited" / path.relative_to(folder)).read_bytes()
        if new != path.read_bytes():
            path.write_bytes(new)
            os.utime(path, ns=(1, 1))  # a time of its own, whatever the clock's grain
            changed += 1
    after = open_own(name, folder)
    assert changed == 1
    assert_same(after, edited)
    assert after.sha256 != before.sha256
    assert decodings == [name, name]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no time of the last change")
@pytest.mark.parametrize("container", CONTAINERS)
def test_files_that_are_swapped_are_noticed_though_their_sizes_and_times_are_the_same(
    container, tmp_path, decodings
):
    name, write = CONTAINERS[container]
    folder = write(tmp_path / "own", SMALL)
    files = [path for path in folder.rglob("*") if path.is_file()]
    first, other = files[0], tmp_path / "other"
    other.write_bytes(first.read_bytes())
    for path in (first, other):
        os.utime(path, ns=(1, 1))
    open_own(name, folder)
    time.sleep(0.02)  # longer than the clock's grain
    other.rename(first)
    open_own(name, folder)
    assert decodings == [name, name]


@pytest.mark.parametrize("name", ["png", "csv", "npz", "pickle"])
@pytest.mark.parametrize("path", ["nowhere", "file", "a\0b"])
def test_a_path_that_holds_nothing_of_the_kind_is_named(name, path, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    named = str(tmp_path / path).replace("\0", "\\x00")
    assert refusal(name, tmp_path / path).startswith(f"{named}: expected")


@pytest.mark.parametrize("name", with_path())
def test_own_files_need_a_path(name, tmp_path):
    with pytest.raises(UsageError, match=rf"data\.path: {name} needs the path of your files"):
        open_source(name, data_dir=tmp_path)


@pytest.mark.parametrize("container", TELLING_SHAPES)
@pytest.mark.parametrize(("height", "width"), [(1, 1024), (1024, 1)])
def test_images_of_up_to_1024_pixels_a_side_are_read(container, height, width, tmp_path):
    name, write = CONTAINERS[container]
    largest = of_shape(height, width)
    assert_same(open_own(name, write(tmp_path / "own", largest)), largest)


@pytest.mark.parametrize("container", TELLING_SHAPES)
@pytest.mark.parametrize(("height", "width"), [(1, 1025), (1025, 1)])
def test_images_of_more_than_1024_pixels_a_side_are_refused(container, height, width, tmp_path):
    name, write = CONTAINERS[container]
    folder = write(tmp_path / "own", of_shape(height, width))
    told = refusal(name, folder)
    assert f"1 × 1 to 1024 × 1024 pixels, found {height:,} × {width:,}" in told
    assert str(folder) in told


@pytest.mark.parametrize("container", CONTAINERS)
def test_one_class_alone_is_refused_in_every_container(container, tmp_path):
    name, write = CONTAINERS[container]
    folder = write(tmp_path / "own", small_arrays(classes=1))
    assert "labels of two classes or more" in refusal(name, folder)


@pytest.mark.parametrize("container", CONTAINERS)
def test_parts_of_different_sizes_are_refused_in_every_container(container, tmp_path):
    name, write = CONTAINERS[container]
    other = small_arrays(side=4)
    mixed = SMALL._replace(test_images=other.test_images)
    told = refusal(name, write(tmp_path / "own", mixed))
    assert "5 × 5" in told
    assert "found 4 × 4" in told


def test_own_files_are_described_and_split_as_any_source_is(tmp_path):
    source = open_own("csv", write_csv(tmp_path / "own", SMALL))
    about = describe(source)
    assert (about.name, about.image_shape, about.train.count) == ("csv", (5, 5), 12)
    assert about.test.per_class == (2, 2, 2)
    assert len(split(source, validation=3).validation) == 3


def test_the_formats_of_own_files_are_these():
    assert with_path() == ["csv", "idx", "npz", "parquet", "pickle", "png"]


@pytest.mark.parametrize("container", CONTAINERS)
def test_images_that_memory_does_not_hold_are_refused(container, tmp_path, monkeypatch):
    name, write = CONTAINERS[container]
    path = write(tmp_path / "own", SMALL)
    monkeypatch.setattr(files, "available_to_process", lambda: AvailableMemory(20, "are free"))
    assert "of memory, and 20 bytes are free" in refusal(name, path)
