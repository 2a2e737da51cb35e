"""The `pickle` source: arrays of every protocol are read, and nothing of a hostile file runs."""

import gzip
import os
import pickle
import struct
from io import BytesIO

import numpy as np
import pytest
from data_helpers import small_arrays
from own_files_helpers import assert_same, open_own, refusal

from mnistlab.data.arrays import Arrays
from mnistlab.data.files import MalformedError
from mnistlab.data.pickled_arrays import read_pickled
from mnistlab.support.errors import DataError

SMALL = small_arrays()


def pairs(arrays, level, dtype=np.float32):
    """(training, validation, test) as deeplearning.net has them."""
    x, y, x_test, y_test = arrays
    x, x_test = (one.reshape(len(one), -1).astype(dtype) / dtype(level) for one in (x, x_test))
    half = len(x) // 2
    y, y_test = y.astype(np.int64), y_test.astype(np.int64)
    return ((x[:half], y[:half]), (x[half:], y[half:]), (x_test, y_test))


def square(arrays):
    """The images cut to a square, which a row of pixels can only be."""
    side = min(arrays.train_images.shape[1:])
    x, y, x_test, y_test = arrays
    cut = (slice(None), slice(side), slice(side))
    return Arrays(np.ascontiguousarray(x[cut]), y, np.ascontiguousarray(x_test[cut]), y_test)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("level", [256, 255])
def test_every_protocol_is_read_to_the_same_bytes(tmp_path, protocol, level):
    arrays = square(SMALL)
    path = tmp_path / "mnist.pkl.gz"
    path.write_bytes(gzip.compress(pickle.dumps(pairs(arrays, level), protocol)))
    assert_same(open_own("pickle", path), arrays)
    assert_same(open_own("pickle", tmp_path), arrays)


def test_two_pairs_lists_bytes_and_images_of_any_size_are_read_too(tmp_path):
    path = tmp_path / "own.pkl"
    x, y, x_test, y_test = SMALL
    path.write_bytes(pickle.dumps([[np.asfortranarray(x), y], [x_test, y_test]]))
    assert_same(open_own("pickle", path), SMALL)


def python_2_array(values):
    """An array as Python 2 pickled it by protocol 2: its bytes are a string."""
    shape = b"".join(b"J" + struct.pack("<i", n) for n in values.shape)
    kind = values.dtype.str[1:].encode()
    data = values.tobytes()
    return (
        b"cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02K\x00\x85U\x01b\x87R("
        b"K\x01(" + shape + b"tcnumpy\ndtype\nq\x03U" + bytes([len(kind)]) + kind + b"K\x00K\x01"
        b"\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T"
        + struct.pack("<i", len(data)) + data + b"tb"
    )  # fmt: skip


def test_a_pickle_of_python_2_is_read(tmp_path):
    arrays = square(SMALL)
    parts = [
        python_2_array(images) + python_2_array(labels) + b"\x86"
        for images, labels in pairs(arrays, 256)
    ]
    path = tmp_path / "mnist.pkl"
    path.write_bytes(b"\x80\x02" + b"".join(parts) + b"\x87.")
    assert_same(open_own("pickle", path), arrays)


def test_pixels_of_0_and_1_are_black_and_white(tmp_path):
    black_and_white = Arrays(*((one > 127) * np.uint8(255) for one in SMALL))
    x, _, x_test, _ = black_and_white
    parts = ((x / 255, SMALL.train_labels), (x_test / 255, SMALL.test_labels))
    (tmp_path / "own.pkl").write_bytes(pickle.dumps(parts))
    assert set(np.unique(open_own("pickle", tmp_path).train_images)) == {0, 255}


class Runs:
    """Makes a folder when it is unpickled."""

    def __init__(self, path, function=os.mkdir):
        self.path, self.function = str(path), function

    def __reduce__(self):
        return self.function, (self.path,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "function", [os.mkdir, eval, np.load, np.dtype], ids=lambda function: function.__name__
)
def test_a_call_in_the_file_is_refused_and_does_not_run(tmp_path, protocol, function):
    made = tmp_path / "made"
    hostile = pickle.dumps((pairs(square(SMALL), 256)[0], Runs(made, function)), protocol)
    (tmp_path / "own.pkl").write_bytes(hostile)
    assert "expected a pickle of arrays" in refusal("pickle", tmp_path / "own.pkl")
    assert not made.exists()


HOSTILE = {
    "a call of a system function": b"cos\nsystem\n(S'true'\ntR.",
    "an old instance": b"(S'true'\nios\nsystem\n.",
    "an object": b"(cos\nsystem\no.",
    "an extension": b"\x82\x01.",
    "a persistent object": b"Pabc\n.",
    "a new object": b"\x80\x02cbuiltins\nobject\n)\x81.",
    "a name on the stack": b"\x80\x04\x8c\x02os\x8c\x06system\x93.",
    "a name within a module": b"\x80\x04\x8c\x05numpy\x8c\x0ef2py.os.system\x93.",
    "a dtype of objects": b"cnumpy\ndtype\n(S'O8'\nI0\nI1\ntR.",
    "a call of what is no function": b"I1\n(tR.",
    "the state of a number": b"I1\n(tb.",
    "a dictionary": b"}.",
    "no value": b".",
    "an end without a mark": b"t.",
    "a memo that is not there": b"g7\n.",
    "an unknown operation": b"\xff.",
    "a truncated file": b"\x80\x02]q\x01(K\x01",
    "a text longer than the file": b"T\xff\xff\xff\x7fabc",
    "a number of thousands of digits": b"I" + b"9" * 10_000 + b"\n.",
    "a list of a list of itself": b"]q\x00h\x00a.",
    "too many operations": b"N" * 20_000 + b".",
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_hostile_pickles_are_refused_in_one_line(tmp_path, content):
    path = tmp_path / "own.pkl"
    path.write_bytes(content)
    told = refusal("pickle", path)
    assert told.startswith(f"{path}: expected ")


def test_tuples_of_tuples_take_no_more_than_their_operations(tmp_path):
    content = b"]q\x00" + b"".join(b"h\x00h\x00\x86r" + struct.pack("<I", 0) for _ in range(900))
    (tmp_path / "own.pkl").write_bytes(content + b".")
    assert "expected " in refusal("pickle", tmp_path / "own.pkl")


def test_no_more_bytes_are_read_than_allowed():
    content = pickle.dumps(pairs(square(SMALL), 256))
    assert len(read_pickled(BytesIO(content), len(content))) == 3
    with pytest.raises(MalformedError, match="at most 100 bytes"):
        read_pickled(BytesIO(content), 100)


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_file_is_read_or_refused_and_never_runs(tmp_path, seed):
    numbers = np.random.default_rng(seed)
    content = bytearray(pickle.dumps(pairs(square(SMALL), 256), seed % 5))
    for place in numbers.integers(0, len(content), 5):
        content[place] = numbers.integers(0, 256)
    path = tmp_path / "own.pkl"
    path.write_bytes(content)
    try:
        found = open_own("pickle", path).train_images
    except DataError as error:
        assert str(error).startswith(f"{path}: ")  # noqa: PT017
    else:
        assert found.shape == square(SMALL).train_images.shape


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ((1, 2), "expected two or three (images, labels) pairs"),
        (((np.ones((3, 5)), np.ones(3)),) * 2, "(n, pixels) of a square"),
        (((np.ones((3, 4)), np.ones(2)),) * 2, "expected 3 labels, one for each image, found 2"),
        (((np.full((3, 4), 0.3), np.ones(3)),) * 2, "expected pixels of whole numbers"),
        (((np.full((3, 4), np.nan), np.ones(3)),) * 2, "expected pixels of whole numbers"),
        (((np.full((3, 4), 300), np.ones(3)),) * 2, "found 300"),
        (((np.ones((3, 4)), np.full(3, 0.5)),) * 2, "expected labels of whole numbers"),
    ],
)
def test_arrays_that_are_no_images_and_labels_are_refused(tmp_path, value, told):
    (tmp_path / "own.pkl").write_bytes(pickle.dumps(value))
    assert told in refusal("pickle", tmp_path / "own.pkl")
