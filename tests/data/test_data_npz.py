"""The `npz` source."""

import io
import pickle
import struct
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from own_files_helpers import SMALL, assert_same, open_own, refusal

from mnistlab.data import open_source
from mnistlab.data.sources import npz
from mnistlab.support.errors import DataError

KEYED = dict(zip(("x_train", "y_train", "x_test", "y_test"), SMALL, strict=True))
IMAGES = SMALL.train_images


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def promise(header: str, body: bytes = b"") -> bytes:
    """A .npy file with a header of any text."""
    text = header.encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + body


def zipped(members: dict[str, bytes], **options) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", **options) as archive:
        for key, content in members.items():
            archive.writestr(f"{key}.npy", content)
    return file.getvalue()


MEMBERS = {key: npy(array) for key, array in KEYED.items()}
SOUND = zipped(MEMBERS)
DEFLATED = zipped(MEMBERS, compression=zipfile.ZIP_DEFLATED)


def with_member(key: str, content: bytes) -> bytes:
    return zipped(MEMBERS | {key: content}, compression=zipfile.ZIP_DEFLATED)


def with_array(key: str, array: np.ndarray) -> bytes:
    return with_member(key, npy(array))


def without(key: str) -> bytes:
    return zipped({name: content for name, content in MEMBERS.items() if name != key})


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def with_value(value: float, dtype: object = np.float64) -> bytes:
    images = IMAGES.astype(dtype)
    images[7, 3, 4] = value
    return with_array("x_train", images)


def lying_size() -> bytes:
    """The directory states four gigabytes for a member of a few hundred bytes."""
    content = bytearray(SOUND)
    entry = content.index(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = struct.pack("<I", 0xFFFFFFF0)
    return bytes(content)


def encrypted() -> bytes:
    content = bytearray(SOUND)
    content[content.index(b"PK\x01\x02") + 8] |= 1
    content[content.index(b"PK\x03\x04") + 6] |= 1
    return bytes(content)


def header_of(descr: str, shape: str) -> str:
    return f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n"


HUGE = header_of("|u1", "(1000000000, 28, 28)")
WHOLE = "expected whole numbers of 0 to 255, found"
OBJECTS = np.array([{"a": 1}] * 12, dtype=object)

# The content of mnist.npz, the named key, and a part of the message.
WRONG = {
    "an empty file": (b"", None, "expected an .npz file, found an empty one (0 bytes)"),
    "one array": (npy(IMAGES), None, "expected an .npz file, found a NumPy file"),
    "a web page": (b"<!DOCTYPE html>", None, "expected an .npz file, found a web page"),
    "a pickle": (pickle.dumps(KEYED), None, "expected an .npz file, found 80 04"),
    "a truncated archive": (SOUND[:-30], None, "expected a valid .npz file"),
    "half an archive": (SOUND[: len(SOUND) // 2], None, "expected a valid .npz file"),
    "an archive of nothing": (zipped({}), None, "found none; x_train, y_train, x_test, y_test mis"),
    "a key missing": (without("y_test"), None, "found x_train, y_train, x_test; y_test missing"),
    "a flipped bit": (flipped(SOUND, 300), "x_train", "a damaged one (Bad CRC-32"),
    "a flipped bit, deflated": (flipped(DEFLATED, 100), "x_train", "expected a"),
    "an encrypted member": (encrypted(), "x_train", "encrypted"),
    "a compression that numpy does not write": (
        zipped(MEMBERS, compression=zipfile.ZIP_LZMA),
        "x_train",
        "stored or deflated",
    ),
    "text for an array": (with_member("y_train", b"0 1 2"), "y_train", "array in NumPy's format"),
    "an empty member": (with_member("y_train", b""), "y_train", "array in NumPy's format"),
    "a header that is no header": (
        with_member("y_train", promise("((((((((((((((((")),
        "y_train",
        "array in NumPy's format",
    ),
    "a version to come": (
        with_member("y_train", b"\x93NUMPY\x09\x00" + bytes(60)),
        "y_train",
        "found (9, 0)",
    ),
    "too few values": (
        with_member("x_test", MEMBERS["x_test"][:-1]),
        "x_test",
        "expected 150 bytes after the header, found 149",
    ),
    "too many values": (with_member("x_test", MEMBERS["x_test"] + b"\0"), "x_test", "found 151"),
    "objects": (with_array("y_train", OBJECTS), "y_train", "holds pickled Python objects"),
    "objects in a record": (
        with_array("y_train", np.zeros(12, dtype=[("label", object)])),
        "y_train",
        "holds pickled Python objects",
    ),
    "texts": (with_array("y_train", np.array(["7"] * 12)), "y_train", f"{WHOLE} <U1"),
    "complex numbers": (with_array("y_train", np.zeros(12, complex)), "y_train", "complex128"),
    "dates": (with_array("y_train", np.zeros(12, "M8[D]")), "y_train", "datetime64"),
    "a value too large": (with_value(256, np.int64), "x_train", f"{WHOLE} 256 at [7, 3, 4]"),
    "a negative value": (with_value(-1, np.int16), "x_train", f"{WHOLE} -1 at [7, 3, 4]"),
    "a fraction": (with_value(0.5), "x_train", f"{WHOLE} 0.5 at [7, 3, 4]"),
    "not a number": (with_value(np.nan, np.float16), "x_train", f"{WHOLE} nan at [7, 3, 4]"),
    "an infinite value": (with_value(np.inf), "x_train", f"{WHOLE} inf at [7, 3, 4]"),
    "colours": (
        with_array("x_train", np.zeros((12, 5, 5, 3), np.uint8)),
        "x_train",
        "shape (n, height, width), found (12, 5, 5, 3)",
    ),
    "flat images": (with_array("x_train", IMAGES.reshape(12, 25)), "x_train", "found (12, 25)"),
    "one-hot labels": (with_array("y_train", np.eye(12)), "y_train", "(n,), found (12, 12)"),
    "no images": (with_array("x_test", IMAGES[:0]), "x_test", "found (0, 5, 5)"),
    "images without width": (with_array("x_test", IMAGES[:, :, :0]), "x_test", "found 5 × 0"),
    "a label too few": (with_array("y_test", SMALL.test_labels[:-1]), "y_test", "6 labels"),
    "an array beyond measure": (
        with_member("x_train", promise(HUGE)),
        "x_train",
        "expected at most 4,294,967,296 pixels in all",
    ),
    "numbers beyond measure": (
        with_member("x_train", promise(header_of("<f8", "(1000000, 28, 28)"))),
        "x_train",
        "expected at most 2,147,483,648 bytes",
    ),
    "a negative shape": (
        with_member("x_train", promise(header_of("|u1", "(-1, 28, 28)"))),
        "x_train",
        "found (-1, 28, 28)",
    ),
    "a size that cannot be": (lying_size(), "x_train", "promises 4,294,967,280 bytes"),
}


def written(content: bytes, folder: Path) -> Path:
    folder.mkdir()
    (folder / "mnist.npz").write_bytes(content)
    return folder


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_file_is_named_with_its_key(name, tmp_path):
    content, key, told = WRONG[name]
    folder = written(content, tmp_path / "own")
    message = refusal("npz", folder)
    place = folder / "mnist.npz"
    assert message.startswith(f"{place}: {key}: " if key else f"{place}: ")
    assert told in message
    assert message.endswith("repair or replace the file")


def test_every_wrong_key_is_complained_of_at_once(tmp_path):
    content = zipped(MEMBERS | {"x_train": b"", "y_test": npy(np.eye(2))})
    told = refusal("npz", written(content, tmp_path / "own")).splitlines()
    assert [line.split(": ")[1] for line in told] == ["x_train", "y_test"]


def test_a_pickle_is_never_loaded(tmp_path):
    class Trap:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "sprung",))

    trap = np.array([Trap()] * 12, dtype=object)
    told = refusal("npz", written(with_array("y_train", trap), tmp_path / "own"))
    assert "pickled" in told
    assert not (tmp_path / "sprung").exists()


def test_pickles_under_other_keys_are_left_alone(tmp_path):
    folder = written(zipped(MEMBERS | {"notes": npy(OBJECTS)}), tmp_path / "own")
    assert_same(open_own("npz", folder), SMALL)


@pytest.mark.parametrize("name", ["an array beyond measure", "numbers beyond measure"])
def test_a_size_is_checked_before_memory_is_asked_for(name, tmp_path, monkeypatch):
    empty = np.empty

    def little_memory(count, dtype):
        assert count <= IMAGES.size, "asked for memory"
        return empty(count, dtype)

    path = written(WRONG[name][0], tmp_path / "own") / "mnist.npz"
    monkeypatch.setattr(np, "empty", little_memory)
    with pytest.raises(DataError, match="expected at most"):
        npz.read_file(path)


@pytest.mark.parametrize(
    "dtype", ["u1", "i2", "<i4", ">i4", "<i8", ">u8", "f2", "<f4", ">f8"], ids=str
)
@pytest.mark.parametrize("order", ["C", "F"])
def test_whole_numbers_of_any_dtype_and_order_are_the_same_images(
    dtype, order, tmp_path, monkeypatch
):
    monkeypatch.setattr(npz, "CHUNK_ITEMS", 7)
    members = {key: npy(np.array(array, dtype=dtype, order=order)) for key, array in KEYED.items()}
    folder = written(zipped(members), tmp_path / "own")
    assert_same(open_own("npz", folder), SMALL)


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_wrong_value_is_found_at_its_index_in_any_order(order, tmp_path, monkeypatch):
    monkeypatch.setattr(npz, "CHUNK_ITEMS", 7)
    images = np.array(IMAGES, dtype=np.int16, order=order)
    images[7, 3, 4] = 1000
    told = refusal("npz", written(with_array("x_train", images), tmp_path / "own"))
    assert "found 1000 at [7, 3, 4]" in told


def test_true_and_false_are_1_and_0(tmp_path):
    flags = {key: npy(array > 0) for key, array in KEYED.items()}
    source = open_own("npz", written(zipped(flags), tmp_path / "own"))
    np.testing.assert_array_equal(source.train_images, SMALL.train_images > 0)


def test_a_last_axis_of_one_channel_is_left_out(tmp_path):
    content = zipped(
        MEMBERS
        | {
            "x_train": npy(SMALL.train_images[..., None]),
            "x_test": npy(SMALL.test_images[..., None]),
        }
    )
    assert_same(open_own("npz", written(content, tmp_path / "own")), SMALL)


def test_the_second_version_of_numpys_format_is_read(tmp_path):
    file = io.BytesIO()
    np.lib.format.write_array(file, IMAGES, version=(2, 0))
    folder = written(zipped(MEMBERS | {"x_train": file.getvalue()}), tmp_path / "own")
    assert_same(open_own("npz", folder), SMALL)


@settings(deadline=None, max_examples=400)
@given(bit=st.integers(0, 8 * len(DEFLATED) - 1), deflated=st.booleans())
def test_a_flipped_bit_never_changes_an_image(bit, deflated):
    content = bytearray(DEFLATED if deflated else SOUND)
    content[bit // 8] ^= 1 << bit % 8
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mnist.npz"
        path.write_bytes(content)
        try:
            read = npz.read_file(path)
        except DataError as error:
            assert str(error).startswith(str(path))  # noqa: PT017 - it may also be sound
            return
        for found, expected in zip(read, SMALL, strict=True):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.mnist
def test_real_mnist_saved_by_numpy_is_real_mnist(mnist_data_dir, tmp_path):
    mnist = open_source("mnist", data_dir=mnist_data_dir, fetch_missing=False)
    arrays = {key: getattr(mnist, role) for role, key in npz.KEYS.items()}
    np.savez(tmp_path / "mnist.npz", **arrays)
    assert open_own("npz", tmp_path / "mnist.npz").sha256 == mnist.sha256
