"""The `parquet` source: the files of Hugging Face's datasets."""

import io
import json
import sys

import numpy as np
import pytest
from data_helpers import small_arrays
from own_files_helpers import assert_same
from PIL import Image

from mnistlab.data import open_source
from mnistlab.data.sources import parquet
from mnistlab.support.errors import DataError, UsageError

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

ARRAYS = small_arrays(train=30, test=9, side=6)
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def encoded(image, kind="PNG"):
    content = io.BytesIO()
    Image.fromarray(image).save(content, kind)
    return content.getvalue()


def table_of(images, labels, names=None, **columns):
    rows = [{"bytes": encoded(image), "path": None} for image in images]
    table = pa.table(
        {"image": pa.array(rows, IMAGE), "label": pa.array(labels.tolist(), pa.int64()), **columns}
    )
    label = {"_type": "ClassLabel"} | ({"names": names} if names else {})
    features = {"info": {"features": {"image": {"_type": "Image"}, "label": label}}}
    return table.replace_schema_metadata({"huggingface": json.dumps(features)})


def write(folder, names=None, parts=1):
    folder.mkdir(parents=True, exist_ok=True)
    for part, images, labels in (("train", *ARRAYS[:2]), ("test", *ARRAYS[2:])):
        for number, some in enumerate(np.array_split(np.arange(len(images)), parts)):
            name = f"{part}-{number:05}-of-{parts:05}.parquet"
            pq.write_table(table_of(images[some], labels[some], names), folder / name)
    return folder


def opened(folder):
    return open_source("parquet", folder, data_dir=folder)


@pytest.mark.parametrize("parts", [1, 4])
@pytest.mark.parametrize("below", ["", "data", "mnist"])
def test_hugging_face_s_files_are_read_in_order_from_the_folder_or_below_it(tmp_path, parts, below):
    write(tmp_path / below, parts=parts)
    source = opened(tmp_path)
    assert_same(source, ARRAYS)
    assert source.class_names == ("0", "1", "2")


def test_files_numbered_without_zeros_are_read_in_the_order_of_their_numbers(tmp_path):
    folder = write(tmp_path, parts=12)
    for file in folder.glob("train-*.parquet"):
        file.rename(folder / f"train-{int(file.name[6:11])}.parquet")
    assert_same(opened(tmp_path), ARRAYS)


def test_few_rows_at_a_time_give_the_same_images(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "ROWS", 7)
    assert_same(opened(write(tmp_path)), ARRAYS)


def test_the_classes_have_the_names_in_the_files(tmp_path):
    assert opened(write(tmp_path, ["cat", "dog", "owl"])).class_names == ("cat", "dog", "owl")


def test_fewer_names_than_labels_are_not_used(tmp_path):
    assert opened(write(tmp_path, ["cat", "dog"])).class_names == ("0", "1", "2")


def test_a_column_of_bytes_and_columns_of_other_things_are_accepted(tmp_path):
    folder = write(tmp_path)
    table = pa.table(
        {
            "id": pa.array(range(9)),
            "img": pa.array([encoded(image) for image in ARRAYS.test_images], pa.binary()),
            "labels": pa.array(ARRAYS.test_labels.tolist(), pa.uint8()),
        }
    )
    pq.write_table(table, folder / "test-00000-of-00001.parquet")
    assert_same(opened(folder), ARRAYS)


def test_jpeg_images_are_decoded(tmp_path):
    folder = write(tmp_path)
    flat = np.full((6, 6), 77, np.uint8)
    rows = pa.array([{"bytes": encoded(flat, "JPEG"), "path": "a.jpg"}], IMAGE)
    pq.write_table(pa.table({"image": rows, "label": [1]}), folder / "test.parquet")
    (folder / "test-00000-of-00001.parquet").unlink()
    np.testing.assert_array_equal(opened(folder).test_images[0], flat)


def without_pyarrow(monkeypatch):
    for name in ("pyarrow", "pyarrow.parquet"):
        monkeypatch.setitem(sys.modules, name, None)


def test_without_pyarrow_the_line_that_installs_it_is_told(tmp_path, monkeypatch):
    folder = write(tmp_path)
    without_pyarrow(monkeypatch)
    with pytest.raises(UsageError, match=r"pip install 'mnistlab\[parquet\]'"):
        opened(folder)


def broken(rows=None, **columns):
    """A table of two rows with these columns in the place of right ones."""
    right = [{"bytes": encoded(ARRAYS.test_images[0]), "path": None}] * 2
    return pa.table({"image": pa.array(rows or right, IMAGE), "label": [0, 1], **columns})


OTHER_SIZE = [{"bytes": encoded(np.zeros((6, 5), np.uint8)), "path": None}] * 2
COLOURED = [{"bytes": encoded(np.arange(108, dtype=np.uint8).reshape(6, 6, 3)), "path": None}] * 2


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (broken([{"bytes": None, "path": "https://x/1.png"}] * 2), "not their addresses"),
        (
            broken([{"bytes": b"text here", "path": None}] * 2),
            "row 1: expected an image as a PNG or JPEG",
        ),
        (broken(OTHER_SIZE), "expected an image of 6 × 6 pixels"),
        (broken(COLOURED), "expected grey pixels"),
        (broken(label=[0, 256]), "row 2, column label: expected labels of 0 to 255, found 256"),
        (broken(label=[0, -1]), "found -1"),
        (broken(label=[0, None]), "found None"),
        (broken(label=[0.0, 1.0]), "found 0.0"),
        (broken(label=["0", "1"]), "found '0'"),
        (pa.table({"label": [0, 1]}), "expected a column image, found 'label'"),
        (pa.table({"image": pa.array([], IMAGE), "label": pa.array([], pa.int64())}), "a row for"),
    ],
)
def test_a_table_that_cannot_be_right_is_refused(table, told, tmp_path):
    folder = write(tmp_path)
    path = folder / "test-00000-of-00001.parquet"
    pq.write_table(table, path)
    with pytest.raises(DataError) as caught:
        opened(folder)
    assert told in str(caught.value)
    assert str(path) in str(caught.value)


def test_the_row_of_a_damaged_image_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "ROWS", 7)
    images = [encoded(image) for image in ARRAYS.train_images]
    images[17] = images[17][:-9]
    table = pa.table({"image": images, "label": ARRAYS.train_labels.tolist()})
    pq.write_table(table, write(tmp_path) / "train-00000-of-00001.parquet")
    with pytest.raises(DataError, match=r"train-00000-of-00001\.parquet: row 18: expected a compl"):
        opened(tmp_path)


def test_one_of_several_files_that_is_missing_is_told(tmp_path):
    (write(tmp_path, parts=4) / "train-00002-of-00004.parquet").unlink()
    with pytest.raises(DataError, match="4 files, found 3: train-00002-of-00004 missing; add it"):
        opened(tmp_path)


@pytest.mark.parametrize("other", ["train.parquet", "train-00000-of-00001.parquet"])
def test_files_of_two_sets_are_refused_as_their_images_may_be_there_twice(tmp_path, other):
    folder = write(tmp_path, parts=2)
    pq.write_table(table_of(*ARRAYS[:2]), folder / other)
    with pytest.raises(DataError, match=f"one set, .*, found .*{other}.*; leave one set"):
        opened(folder)


@pytest.mark.parametrize("keep", [0, 3, 200, -3])
def test_a_damaged_file_is_refused(keep, tmp_path):
    path = write(tmp_path) / "train-00000-of-00001.parquet"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match="expected a valid Parquet file") as caught:
        opened(tmp_path)
    assert str(path) in str(caught.value)


def test_a_part_without_a_file_is_told(tmp_path):
    (write(tmp_path) / "test-00000-of-00001.parquet").unlink()
    with pytest.raises(DataError, match=r"expected files named like test-00000-of-00001.parquet"):
        opened(tmp_path)


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(DataError, match=r"expected a folder of train-\*.parquet"):
        opened(tmp_path / "none")
