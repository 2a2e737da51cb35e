import gzip
import struct
import tempfile
from pathlib import Path

import numpy as np
import pytest
from data_helpers import NAMES, idx_bytes, packed, small_arrays, write_folder
from hypothesis import given, settings
from hypothesis import strategies as st

from mnistlab.data import open_source
from mnistlab.data.files import MAX_BYTES, MalformedError
from mnistlab.data.idx import read_idx
from mnistlab.support.errors import DataError

IMAGES = small_arrays().train_images
PLAIN = idx_bytes(IMAGES)
GZIPPED = packed(PLAIN)


def image_header(*sizes, magic=0x0803):
    return struct.pack(f">{1 + len(sizes)}I", magic, *sizes)


def changed(content, place, value):
    copy = bytearray(content)
    copy[place] = value
    return bytes(copy)


# The content of the file of training images, and a part of the message.
DAMAGED = {
    "an empty file": (b"", "an empty one"),
    "one byte": (b"\0", "magic bytes 00 00 08 03"),
    "half a magic number": (PLAIN[:2], "magic bytes 00 00 08 03"),
    "a magic number alone": (PLAIN[:4], "header of 16 bytes, found 4"),
    "half a header": (PLAIN[:11], "header of 16 bytes, found 11"),
    "a header alone": (PLAIN[:16], "cannot hold"),
    "a file cut by one byte": (PLAIN[:-1], "cannot hold"),
    "a file cut in half": (PLAIN[: len(PLAIN) // 2], "cannot hold"),
    "a byte too many": (PLAIN + b"\0", "found more"),
    "two files in one": (PLAIN + PLAIN, "found more"),
    "a magic number that begins wrong": (changed(PLAIN, 0, 1), "found 01 00 08 03"),
    "a little-endian magic number": (PLAIN[3::-1] + PLAIN[4:], "found 03 08 00 00"),
    "signed bytes": (changed(PLAIN, 2, 0x09), "found 00 00 09 03"),
    "floats": (changed(PLAIN, 2, 0x0D), "found 00 00 0d 03"),
    "labels for images": (idx_bytes(small_arrays().train_labels), "found IDX labels"),
    "two dimensions": (changed(PLAIN, 3, 2), "found 00 00 08 02"),
    "four dimensions": (changed(PLAIN, 3, 4), "found 00 00 08 04"),
    "no image": (image_header(0, 28, 28), "at least one byte"),
    "images without height": (image_header(3, 0, 28), "at least one byte"),
    "images without width": (image_header(3, 28, 0), "at least one byte"),
    "more images than bytes": (changed(PLAIN, 7, 200), "cannot hold"),
    "fewer images than bytes": (changed(PLAIN, 7, 2), "found more"),
    "absurd sizes": (image_header(*[0xFFFFFFFF] * 3) + bytes(50), "cannot hold"),
    "a web page": (b"<!DOCTYPE html><html></html>", "a web page"),
    "an XML error": (b'<?xml version="1.0"?><Error/>', "a web page"),
    "a ZIP archive": (b"PK\x03\x04" + bytes(90), "a ZIP archive"),
    "an XZ file": (b"\xfd7zXZ\0" + bytes(90), "an XZ file"),
    "a bzip2 file": (b"BZh9" + bytes(90), "a bzip2 file"),
    "a NumPy file": (b"\x93NUMPY\x01\0" + bytes(90), "a NumPy file"),
    "a Git LFS pointer": (b"version https://git-lfs.github.com/spec/v1", "Git LFS"),
    "text": (b"hello, world", "magic bytes"),
    "a gzip magic alone": (GZIPPED[:2], "truncated"),
    "a gzip header alone": (GZIPPED[:10], "truncated"),
    "a gzip cut in half": (GZIPPED[: len(GZIPPED) // 2], "truncated"),
    "a gzip without its checksum": (GZIPPED[:-8], "truncated"),
    "a gzip with a wrong checksum": (changed(GZIPPED, -8, GZIPPED[-8] ^ 1), "damaged"),
    "a gzip with a wrong length": (changed(GZIPPED, -4, GZIPPED[-4] ^ 1), "damaged"),
    "a gzip of another method": (changed(GZIPPED, 2, 7), "damaged"),
    "a gzip followed by rubbish": (GZIPPED + b"rubbish", "damaged"),
    "a gzip of nothing": (packed(b""), "found nothing"),
    "a gzip of a web page": (packed(b"<html></html>"), "a web page"),
    "a gzip of a gzip": (packed(GZIPPED), "magic bytes"),
    "a gzip of a truncated file": (packed(PLAIN[:-3]), "found 297"),
    "a gzip of a byte too many": (packed(PLAIN + b"\0"), "found more"),
    "a gzip that promises the impossible": (packed(image_header(9999, 999, 99)), "cannot hold"),
    "a gzip that promises too much": (packed(image_header(*[2**31] * 3)), "cannot hold"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_named_with_what_was_expected(name, tmp_path):
    content, told = DAMAGED[name]
    folder = write_folder(tmp_path / "own", small_arrays())
    (folder / NAMES[0]).write_bytes(content)
    with pytest.raises(DataError) as caught:
        open_source("idx", folder, data_dir=tmp_path)
    message = str(caught.value)
    assert message.startswith(f"{folder / NAMES[0]}: expected ")
    assert told in message
    assert len(caught.value.messages) == 1


def test_every_damaged_file_is_reported_at_once(tmp_path):
    folder = write_folder(tmp_path / "own", small_arrays())
    for name in (NAMES[0], NAMES[3]):
        (folder / name).write_bytes(b"")
    with pytest.raises(DataError) as caught:
        open_source("idx", folder, data_dir=tmp_path)
    assert [m.split(":")[0] for m in caught.value.messages] == [
        str(folder / NAMES[0]),
        str(folder / NAMES[3]),
    ]


def test_a_folder_in_a_files_place_is_refused(tmp_path):
    folder = write_folder(tmp_path / "own", small_arrays())
    (folder / NAMES[0]).unlink()
    (folder / NAMES[0]).mkdir()
    with pytest.raises(DataError, match="found a folder"):
        open_source("idx", folder, data_dir=tmp_path)


def test_a_decompression_bomb_is_not_unpacked_beyond_its_header(tmp_path, monkeypatch):
    bomb = tmp_path / "bomb"
    bomb.write_bytes(packed(image_header(2, 5, 5) + bytes(50_000_000)))
    unpacked = 0
    original = gzip.GzipFile.read

    def counting(self, size=-1):
        nonlocal unpacked
        assert size >= 0
        unpacked += size
        return original(self, size)

    monkeypatch.setattr(gzip.GzipFile, "read", counting)
    with pytest.raises(MalformedError, match="found more"):
        read_idx(bomb, 3)
    assert unpacked <= 16 + 50 + 1


def test_a_size_beyond_the_limit_is_refused_before_memory_is_asked_for(tmp_path, monkeypatch):
    def no_memory(*_, **__):
        raise AssertionError("asked for memory")

    sparse = tmp_path / "sparse"
    side = 1 << 16
    assert side * side * 2 > MAX_BYTES
    with sparse.open("wb") as file:
        file.write(image_header(2, side, side))
        file.truncate(16 + 2 * side * side)  # a sparse file uses no disk space
    monkeypatch.setattr(np, "empty", no_memory)
    with pytest.raises(MalformedError, match="cannot hold"):
        read_idx(sparse, 3)


@pytest.mark.parametrize("name", ["images", "images.gz", "images.anything"])
@pytest.mark.parametrize("content", [PLAIN, GZIPPED], ids=["plain", "gzipped"])
def test_gzip_is_detected_by_content_and_not_by_name(name, content, tmp_path):
    (tmp_path / name).write_bytes(content)
    read = read_idx(tmp_path / name, 3)
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, IMAGES)


@settings(deadline=None, max_examples=300)
@given(content=st.binary(max_size=200), dimensions=st.sampled_from([1, 3]))
def test_random_bytes_are_malformed_or_exactly_what_they_say(content, dimensions):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(content)
        try:
            read = read_idx(path, dimensions)
        except MalformedError:
            return
        assert idx_bytes(read) == content


@settings(deadline=None, max_examples=300)
@given(sizes=st.lists(st.integers(0, 6), min_size=3, max_size=3), extra=st.integers(-2, 2))
def test_a_file_is_read_exactly_when_its_size_is_that_of_its_header(sizes, extra):
    count = sizes[0] * sizes[1] * sizes[2]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(image_header(*sizes) + bytes(max(0, count + extra)))
        if extra == 0 and count > 0:
            assert read_idx(path, 3).shape == tuple(sizes)
        elif count > 0 or extra < 0:
            with pytest.raises(MalformedError):
                read_idx(path, 3)


@settings(deadline=None, max_examples=500)
@given(bit=st.integers(0, 8 * len(GZIPPED) - 1))
def test_a_flipped_bit_in_a_gzip_never_changes_an_image(bit):
    content = changed(GZIPPED, bit // 8, GZIPPED[bit // 8] ^ 1 << bit % 8)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(content)
        try:
            read = read_idx(path, 3)
        except MalformedError:
            return
        np.testing.assert_array_equal(read, IMAGES)


@settings(deadline=None, max_examples=300)
@given(bit=st.integers(0, 8 * 16 - 1))
def test_a_flipped_bit_in_a_header_is_always_found(bit):
    content = changed(PLAIN, bit // 8, PLAIN[bit // 8] ^ 1 << bit % 8)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(content)
        with pytest.raises(MalformedError):
            read_idx(path, 3)
