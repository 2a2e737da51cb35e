"""The `csv` source."""

import gzip

import numpy as np
import pytest
from data_helpers import small_arrays
from hypothesis import given, settings
from hypothesis import strategies as st
from own_files_helpers import SMALL, assert_same, csv_text, header_1x1, open_own, refusal, write_csv

from mnistlab.data import csv_rows, open_source
from mnistlab.data.csv_rows import parse_rows
from mnistlab.data.files import MalformedError
from mnistlab.data.sources import csv

TEXT = csv_text(SMALL.train_images, SMALL.train_labels)
LINES = TEXT.splitlines()
CELLS = 26


def with_line(number: int, line: str) -> str:
    """The training set's file with one of its twelve lines replaced."""
    return "\n".join([*LINES[: number - 1], line, *LINES[number:]]) + "\n"


def with_cell(number: int, column: int, cell: str) -> str:
    cells = LINES[number - 1].split(",")
    return with_line(number, ",".join([*cells[: column - 1], cell, *cells[column:]]))


def edited(text: str | bytes, folder):
    write_csv(folder, SMALL)
    content = text if isinstance(text, bytes) else text.encode()
    (folder / "train.csv").write_bytes(content)
    return folder


VALUE = "expected a whole number of 0 to 255, found"
PACKED = gzip.compress(TEXT.encode())
KAGGLE_TEST = ",".join(f"pixel{i}" for i in range(25))

# The content of train.csv, and a part of the message.
WRONG = {
    "an empty file": ("", "expected a CSV file, found an empty one (0 bytes)"),
    "blank lines alone": ("\n\r\n \n", "line 1: expected a header or a row, found a blank line"),
    "a header alone": (header_1x1(5, 5), "a row for each image, found only the header"),
    "a column too few": (
        with_line(7, LINES[6][:-4]),
        f"line 7: expected {CELLS} columns, found 25",
    ),
    "a column too many": (with_line(7, LINES[6] + ",0"), "line 7: expected 26 columns, found 27"),
    "a comma at the end": (with_line(2, LINES[1] + ","), "line 2: expected 26 columns, found 27"),
    "a line cut in half": (TEXT[: len(TEXT) - 40], "line 12: expected 26 columns, found"),
    "a word": (with_cell(3, 5, "ink"), f"line 3, column 5: {VALUE} 'ink'"),
    "no value": (with_cell(12, 26, ""), f"line 12, column 26: {VALUE} ''"),
    "a value of 6,000 digits": (
        with_cell(4, 2, "9" * 6000),
        f"line 4, column 2: {VALUE} '{'9' * 30}…'",
    ),
    "a header cell of 6,000 digits": (
        header_1x1(2, 3).replace("1x1", f"1x{'9' * 6000}") + "\n1,2,3,4,5,6,7",
        "line 1: expected a label and the pixels of a square image, found 6 pixels",
    ),
    "a value too large": (with_cell(4, 2, "256"), f"line 4, column 2: {VALUE} '256'"),
    "four digits": (with_cell(4, 2, "1007"), f"line 4, column 2: {VALUE} '1007'"),
    "a word below a header": (
        header_1x1(5, 5) + "\n" + with_cell(3, 5, "ink"),
        f"line 4, column 5: {VALUE} 'ink'",
    ),
    "a label too large": (with_cell(4, 1, "300"), f"line 4, column 1: {VALUE} '300'"),
    "a value far too large": (with_cell(4, 2, "9" * 6000), f"line 4, column 2: {VALUE} '999"),
    "a negative value": (with_cell(1, 2, "-1"), f"line 1, column 2: {VALUE} '-1'"),
    "a fraction": (with_cell(5, 9, "0.5"), f"line 5, column 9: {VALUE} '0.5'"),
    "two numbers in a cell": (with_cell(5, 9, "1 2"), f"line 5, column 9: {VALUE} '1 2'"),
    "half a quote": (with_cell(5, 9, '"7'), f"line 5, column 9: {VALUE} '\"7'"),
    "not a number": (with_cell(5, 9, "nan"), f"line 5, column 9: {VALUE} 'nan'"),
    "foreign digits": (with_cell(5, 9, "٧"), f"line 5, column 9: {VALUE} '٧'"),
    "a word for the first label": (with_cell(1, 1, "seven"), f"line 1, column 1: {VALUE} 'seven'"),
    "a blank line between": (with_line(6, ""), "line 6: expected 26 columns, found a blank line"),
    "a header between": (with_line(6, header_1x1(5, 5)), f"line 6, column 1: {VALUE} 'label'"),
    "semicolons": (
        TEXT.replace(",", ";"),
        "line 1: expected a label and pixels, separated by comm",
    ),
    "no square": (TEXT.replace("\n", ",0\n"), "a square image, found 26 pixels"),
    "labels last": (",".join([*KAGGLE_TEST.split(","), "label"]), "label first, found 'pixel0'"),
    "labels last, other names": (
        "\n".join([",".join([*(f"f{i}" for i in range(25)), "Class"]), *LINES]),
        "line 1: expected the label first, found 'Class' in column 26",
    ),
    "no labels": (f"{KAGGLE_TEST}\n", "line 1: expected the label first, found 'pixel0'"),
    "names in another order": (
        f"label,{','.join(f'{c}x{r}' for r in range(1, 3) for c in range(1, 4))}\n0,1,2,3,4,5,6\n",
        "a square image, found 6 pixels",
    ),
    "a web page": ("<!DOCTYPE html><html></html>", "expected a CSV file, found a web page"),
    "UTF-16": (TEXT.encode("utf-16"), "expected a CSV file, found UTF-16 text"),
    "a ZIP archive": (b"PK\x03\x04" + bytes(50), "expected a CSV file, found a ZIP archive"),
    "zero bytes": (TEXT.encode()[:300] + bytes(50), "columns, found"),
    "a truncated gzip": (PACKED[:-20], "expected a complete gzip file, found a truncated one"),
    "a damaged gzip": (PACKED[:-8] + bytes(8), "expected a valid gzip file"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_file_is_named_with_its_line(name, tmp_path):
    text, told = WRONG[name]
    folder = edited(text, tmp_path / "own")
    message = refusal("csv", folder)
    assert message.startswith(f"{folder / 'train.csv'}: ")
    assert told in message
    assert message.endswith("repair or replace the file")
    assert len(message) < 500


@pytest.mark.parametrize("name", ["train.csv", "test.csv"])
def test_a_missing_file_is_named(name, tmp_path):
    folder = write_csv(tmp_path / "own", SMALL)
    (folder / name).unlink()
    told = refusal("csv", folder)
    assert told.startswith(f"{folder}: expected a file named {name} or mnist_{name}")


def test_two_files_that_could_be_the_same_one_are_refused(tmp_path):
    folder = write_csv(tmp_path / "own", SMALL)
    (folder / "mnist_test.csv").write_text(TEXT)
    assert "expected one test.csv, found mnist_test.csv, test.csv" in refusal("csv", folder)


def test_a_folder_in_place_of_a_file_is_named(tmp_path):
    folder = write_csv(tmp_path / "own", SMALL)
    (folder / "test.csv").unlink()
    (folder / "test.csv").mkdir()
    told = refusal("csv", folder)
    assert told.startswith(f"{folder / 'test.csv'}: expected a file, found a folder")


def test_a_plain_file_is_read_before_the_same_one_gzipped(tmp_path):
    folder = write_csv(tmp_path / "own", SMALL)
    (folder / "train.csv.gz").write_bytes(b"not even gzip")
    assert_same(open_own("csv", folder), SMALL)


def test_both_files_are_complained_of_at_once(tmp_path):
    folder = edited(with_cell(3, 5, "ink"), tmp_path / "own")
    (folder / "test.csv").write_text("")
    told = refusal("csv", folder).splitlines()
    assert [line.split(": ")[0] for line in told] == [
        str(folder / "train.csv"),
        str(folder / "test.csv"),
    ]


def spelled(cell_format: str) -> str:
    return "".join(
        ",".join(cell_format.format(cell) for cell in line.split(",")) + "\n" for line in LINES
    )


SPELLINGS = {
    "with a byte order mark": "\ufeff" + TEXT,
    "with a byte order mark and a header": "\ufeff" + header_1x1(5, 5) + "\n" + TEXT,
    "with CRLF": TEXT.replace("\n", "\r\n"),
    "with CRLF and a header": (header_1x1(5, 5) + "\n" + TEXT).replace("\n", "\r\n"),
    "without a newline at the end": TEXT[:-1],
    "with blank lines at the end": TEXT + "\n \r\n\t\n",
    "with a space after each comma": TEXT.replace(",", ", "),
    "with blanks on both sides": spelled(" {}\t "),
    "with quotes": spelled('"{}"'),
    "with quotes and a quoted header": (header_1x1(5, 5) + "\n" + TEXT).replace("label", '"label"'),
    "with zeros before": spelled("{:0>5}"),
    "as whole floats": spelled("{}.0"),
    "with names in capitals": header_1x1(5, 5).replace("x", "X") + "\n" + TEXT,
    "with Kaggle's names": "label," + KAGGLE_TEST + "\n" + TEXT,
    "with columns counted from 0": "label," + ",".join(map(str, range(25))) + "\n" + TEXT,
    "with columns counted from 1": "label," + ",".join(map(str, range(1, 26))) + "\n" + TEXT,
    "gzipped, with a plain name": PACKED,
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_the_images_are_the_same(name, tmp_path):
    assert_same(open_own("csv", edited(SPELLINGS[name], tmp_path / "own")), SMALL)


def test_pixels_named_from_0x0_tell_the_shape(tmp_path):
    oblong = SMALL._replace(
        train_images=SMALL.train_images[:, :2].copy(), test_images=SMALL.test_images[:, :2].copy()
    )
    folder = write_csv(tmp_path / "own", oblong, header=True)
    names = ",".join(["label", *(f"{row}x{column}" for row in range(2) for column in range(5))])
    for path in folder.iterdir():
        path.write_text(names + "\n" + path.read_text().partition("\n")[2])
    assert_same(open_own("csv", folder), oblong)


def test_columns_counted_without_a_name_are_a_header_where_they_can_be_no_values(tmp_path):
    arrays = small_arrays(side=16)
    folder = write_csv(tmp_path / "own", arrays)
    counted = ",".join(map(str, range(257)))
    for path in folder.iterdir():
        path.write_text(counted + "\n" + path.read_text())
    assert_same(open_own("csv", folder), arrays)


def test_a_row_that_counts_like_a_header_is_a_row_where_it_can_be_one(tmp_path):
    text = "0,1,2,3,4\n1,9,9,9,9\n"
    for name in ("train.csv", "test.csv"):
        (tmp_path / name).write_text(text)
    assert open_own("csv", tmp_path).train_images.tolist() == [[[1, 2], [3, 4]], [[9, 9], [9, 9]]]


@pytest.mark.parametrize("block_bytes", [1, 7, 64, 100, 1000])
@pytest.mark.parametrize("name", SPELLINGS)
def test_lines_are_whole_wherever_a_block_ends(name, block_bytes, tmp_path, monkeypatch):
    monkeypatch.setattr(csv, "BLOCK_BYTES", block_bytes)
    path = edited(SPELLINGS[name], tmp_path / "own") / "train.csv"
    images, labels = csv.read_csv(path)
    np.testing.assert_array_equal(images, SMALL.train_images)
    np.testing.assert_array_equal(labels, SMALL.train_labels)


@pytest.mark.parametrize("block_bytes", [1, 7, 100, 1000])
@pytest.mark.parametrize("name", [name for name, (_, told) in WRONG.items() if "line" in told])
def test_the_line_is_the_same_one_wherever_a_block_ends(name, block_bytes, tmp_path, monkeypatch):
    monkeypatch.setattr(csv, "BLOCK_BYTES", block_bytes)
    text, told = WRONG[name]
    assert told in refusal("csv", edited(text, tmp_path / "own"))


def test_a_line_without_end_is_refused_before_it_fills_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(csv, "MAX_LINE_BYTES", 1000)
    monkeypatch.setattr(csv, "BLOCK_BYTES", 100)
    text = with_line(12, "0," * 100_000)
    told = refusal("csv", edited(text, tmp_path / "own"))
    assert "line 12: expected at most 1,000 bytes" in told


def test_more_pixels_than_the_limit_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("mnistlab.data.own_files.MAX_BYTES", 12 * 25 - 1)
    told = refusal("csv", edited(TEXT, tmp_path / "own"))
    assert "expected at most 299 pixels in all, found 12 images of 5 × 5" in told


def test_plain_rows_are_never_read_one_by_one(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_rows, "_parse_lines", lambda *_: pytest.fail("read line by line"))
    for text in (TEXT, TEXT.replace("\n", "\r\n"), TEXT.replace(",", ", ")):
        images, _ = csv.read_csv(edited(text, tmp_path / "own") / "train.csv")
        np.testing.assert_array_equal(images, SMALL.train_images)


def outcome(parse, block, columns):
    """The rows, or the message about the first wrong one."""
    try:
        return parse(block, columns, 1).tolist()
    except MalformedError as error:
        return str(error)


CELL = st.one_of(
    st.integers(0, 300).map(str),
    st.sampled_from(
        ["", " 7", "7 ", "007", "0007", "1007", '"7"', "7.0", "7.5", "-0", "x", "1 2", "1e1"]
    ),
)


@settings(deadline=None, max_examples=400)
@given(rows=st.lists(st.lists(CELL, min_size=2, max_size=4), min_size=1, max_size=5))
def test_the_fast_reading_is_the_careful_one(rows):
    block = "".join(",".join(row) + "\n" for row in rows).encode()
    columns = len(rows[0])
    assert outcome(parse_rows, block, columns) == outcome(csv_rows._parse_lines, block, columns)


@settings(deadline=None, max_examples=300)
@given(values=st.lists(st.lists(st.integers(0, 255), min_size=3, max_size=3), min_size=1))
def test_every_plain_row_is_read_as_it_is_written(values):
    block = "".join(",".join(map(str, row)) + "\n" for row in values).encode()
    assert parse_rows(block, 3, 1).tolist() == values


@pytest.mark.mnist
def test_real_mnist_written_as_csv_is_real_mnist(mnist_data_dir, tmp_path):
    mnist = open_source("mnist", data_dir=mnist_data_dir, fetch_missing=False)
    arrays = SMALL._replace(
        train_images=mnist.train_images[:5000],
        train_labels=mnist.train_labels[:5000],
        test_images=mnist.test_images[:1000],
        test_labels=mnist.test_labels[:1000],
    )
    source = open_own("csv", write_csv(tmp_path / "own", arrays, header=True))
    for name, expected in arrays._asdict().items():
        np.testing.assert_array_equal(getattr(source, name), expected, err_msg=name)
