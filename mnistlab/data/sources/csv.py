"""The `csv` source: train.csv and test.csv, one image per row: its label, then its pixels by rows.

A header line is detected by its names. Images are square, unless the header names every pixel by
its row and column, as in 1x1, 1x2, …; blanks, quotes, CRLF and a UTF-8 BOM are accepted.
"""

import io
import math
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mnistlab.data.arrays import Arrays, Bytes
from mnistlab.data.csv_rows import MAX_VALUE, parse_rows, shown
from mnistlab.data.files import MalformedError, check_memory, foreign, unpacked
from mnistlab.data.own_files import (
    ADVICE,
    MAX_SIDE,
    check_agreement,
    check_size,
    list_folder,
    one_of_each,
)
from mnistlab.data.source import identity
from mnistlab.data.source_kinds import OwnFiles
from mnistlab.support.errors import DataError
from mnistlab.support.whole_numbers import whole_number

PARTS = ("train", "test")
NAME = re.compile(r"(?:mnist_)?(?P<part>train|test)\.csv(?:\.gz)?", re.IGNORECASE)
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
BLANKS = b" \t\r\n"
NUMBER = re.compile(rb"[+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?")
PIXEL = re.compile(rb"([0-9]+)x([0-9]+)", re.IGNORECASE)
LABEL_NAMES = (b"label", b"labels", b"class", b"target", b"digit", b"y")
# The arrays of a block fit a processor's cache.
BLOCK_BYTES = 1 << 16
# The number of images is known only at the end of a file: memory is checked each time this many
# more bytes have been read.
LOOK_BYTES = 1 << 24
# The longest allowed row has 1024 × 1024 pixels; eight bytes fit most spellings of a value.
MAX_LINE_BYTES = 8 * MAX_SIDE * MAX_SIDE
# Rows and columns may be numbered from any number that a table can reach.
MAX_PLACE = 10**6


class Layout(NamedTuple):
    """The format of all lines, from the first line of a file."""

    height: int
    width: int
    has_header: bool


def find_files(folder: Path) -> dict[str, Path]:
    """The files of `train` and `test`; a plain file is preferred to the same one gzipped.

    Raises DataError if the folder or a file is missing, or if two files could be the same one.
    """
    candidates: dict[str, dict[str, Path]] = {part: {} for part in PARTS}
    for path in list_folder(folder, "a folder of train.csv and test.csv"):
        if match := NAME.fullmatch(path.name):
            # When sorted, `name` comes before `name.gz`; the first is kept.
            same = path.name.lower().removesuffix(".gz")
            candidates[match["part"].lower()].setdefault(same, path)
    return one_of_each(folder, candidates, _in_words)


def _in_words(part: str) -> tuple[str, str]:
    return f"a file named {part}.csv or mnist_{part}.csv (or .csv.gz)", f"{part}.csv"


def read_folder(paths: dict[str, Path]) -> Arrays:
    """The four arrays, from both files: images of one size, at least two labels.

    Raises DataError that names the file, the line and the column, both from 1.
    """
    parts, errors = {}, []
    for part, path in paths.items():
        try:
            parts[part] = read_csv(path)
        except MalformedError as error:
            errors.append(f"{path}: {error}; {ADVICE}")
    if errors:
        raise DataError(*errors)
    arrays = Arrays(*parts["train"], *parts["test"])
    check_agreement(arrays, {role: str(paths[role.split("_")[0]]) for role in Arrays._fields})
    return arrays


def read_csv(path: Path) -> tuple[Bytes, Bytes]:
    """A file's images, uint8 (n, height, width), and labels, uint8 (n,); gzipped or plain.

    Raises MalformedError, naming the line.
    """
    labels, pixels, held = bytearray(), bytearray(), 0
    with unpacked(path, "a CSV file") as (stream, _):
        blocks = _blocks(stream)
        number, block = next(blocks, (1, b""))
        first, _, rest = block.partition(b"\n")
        layout = _read_layout(first)
        if layout.has_header:
            number, block = number + 1, rest
        size = layout.height * layout.width
        for first_line, lines in chain([(number, block)] if block else [], blocks):
            rows = parse_rows(lines, 1 + size, first_line)
            if len(pixels) + rows.size > held:
                held = len(pixels) + rows.size + LOOK_BYTES
                check_memory(held)  # for everything so far: growing may copy it
            labels += rows[:, 0].tobytes()
            pixels += rows[:, 1:].tobytes()
            check_size(len(labels), layout.height, layout.width)
    if not labels:
        raise MalformedError("expected a row for each image, found only the header")
    images = np.frombuffer(pixels, dtype=np.uint8).reshape(-1, layout.height, layout.width)
    return images, np.frombuffer(labels, dtype=np.uint8)


def read_rows(path: Path, shape: tuple[int, int] | None) -> tuple[Bytes, int]:
    """The images of a file without labels, uint8 (n, height, width), and the line of the first.

    A row of one number more begins with a label, which is left out. `shape` is the size of the
    images; None: they are square. Raises MalformedError, naming the line.
    """
    parts, first_line = [], 0
    with unpacked(path, "a CSV file") as (stream, _):
        columns, size = 0, shape
        for number, lines in _blocks(stream):
            first, block = number, lines
            if size is None or not columns:
                head, _, rest = lines.partition(b"\n")
                cells = [cell.strip(b' \t\r"') for cell in head.split(b",")]
                columns = len(cells)
                size = shape or _side_of(columns)
                _refuse_columns(columns, size)
                if _is_header(cells):
                    if columns > size[0] * size[1]:
                        _check_names(cells)
                    first, block = number + 1, rest
                first_line = first
            if block:
                rows = parse_rows(block, columns, first)
                parts.append(rows[:, columns - size[0] * size[1] :])
                check_size(sum(map(len, parts)), *size)
    if not parts or size is None:
        raise MalformedError("expected a row for each image, found none")
    return np.concatenate(parts).reshape(-1, *size), first_line


def _side_of(columns: int) -> tuple[int, int]:
    """The size of square images of so many pixels, or one fewer; (0, 0) if there is none."""
    for pixels in (columns, columns - 1):
        side = math.isqrt(pixels)
        if side * side == pixels:
            return side, side
    return 0, 0


def _refuse_columns(columns: int, size: tuple[int, int]) -> None:
    pixels = size[0] * size[1]
    if not pixels or columns - pixels not in (0, 1):
        expected = f"{pixels:,} pixels" if pixels else "the pixels of a square image"
        raise MalformedError(
            f"line 1: expected {expected}, with a label before them or not, "
            f"found {columns:,} columns"
        )


def _blocks(stream: io.BufferedIOBase) -> Iterator[tuple[int, bytes]]:
    """Complete lines, each ended by a newline, many at a time, with the first one's number.

    Blank lines are put before the line that follows them, so blank lines at the end disappear.
    """
    number, rest = 1, stream.read(len(BYTE_ORDER_MARK)).removeprefix(BYTE_ORDER_MARK)
    while more := stream.read(BLOCK_BYTES):
        rest += more
        lines = rest.rpartition(b"\n")[0].rstrip(BLANKS)
        if lines:
            yield number, _unix(lines)
            number += lines.count(b"\n") + 1
            rest = rest[len(lines) :].partition(b"\n")[2]
        if len(rest) > MAX_LINE_BYTES:
            raise MalformedError(f"line {number}: expected at most {MAX_LINE_BYTES:,} bytes")
    if rest := rest.rstrip(BLANKS):
        yield number, _unix(rest)


def _unix(lines: bytes) -> bytes:
    return (lines.replace(b"\r\n", b"\n") if b"\r" in lines else lines) + b"\n"


def _read_layout(line: bytes) -> Layout:
    """The images' size, and whether the line is a header. Raises MalformedError."""
    if name := foreign(line):
        raise MalformedError(f"expected a CSV file, found {name}")
    cells = [cell.strip(b' \t\r"') for cell in line.split(b",")]
    if not any(cells):
        raise MalformedError("line 1: expected a header or a row, found a blank line")
    if len(cells) == 1:
        raise MalformedError(
            f"line 1: expected a label and pixels, separated by commas, found {shown(line)}"
        )
    has_header = _is_header(cells)
    if has_header:
        _check_names(cells)
    height, width = (_named_shape(cells[1:]) if has_header else None) or _square(len(cells) - 1)
    check_size(1, height, width)
    return Layout(height, width, has_header)


def _check_names(names: list[bytes]) -> None:
    """Raise MalformedError if a header does not have the label first.

    A table with the label last has as many columns, and all its pixels would be one place off.
    """
    if names[0].lower().startswith(b"pixel") or PIXEL.fullmatch(names[0]):
        raise MalformedError(f"line 1: expected the label first, found {shown(names[0])}")
    for column, name in enumerate(names[1:], 2):
        if name.lower() in LABEL_NAMES:
            raise MalformedError(
                f"line 1: expected the label first, found {shown(name)} in column {column:,}"
            )


def _is_header(cells: list[bytes]) -> bool:
    """Whether the cells are names; pandas also names columns by numbers.

    One name among numbers is an error in a row, not a header.
    """
    names = [not NUMBER.fullmatch(cell) for cell in cells]
    if all(names):
        return True
    counted = [b"%d" % place for place in range(len(cells))]
    if names[0]:
        return cells[1:] in (counted[1:], counted[:-1])
    return cells == counted and len(cells) > MAX_VALUE + 1


def _named_shape(names: list[bytes]) -> tuple[int, int] | None:
    """(height, width) of pixels named 1x1, 1x2, … (or 0x0, …) in order, else None."""
    first, last = PIXEL.fullmatch(names[0]), PIXEL.fullmatch(names[-1])
    if not first or not last:
        return None
    top, left, bottom, right = (
        whole_number(place.decode(), MAX_PLACE) for place in (*first.groups(), *last.groups())
    )
    if top is None or left is None or bottom is None or right is None:
        return None
    height, width = bottom - top + 1, right - left + 1
    if height * width != len(names):
        return None
    expected = (
        b"%dx%d" % (top + row, left + column) for row in range(height) for column in range(width)
    )
    named = all(name.lower() == pixel for name, pixel in zip(names, expected, strict=True))
    return (height, width) if named else None


def _square(pixels: int) -> tuple[int, int]:
    side = math.isqrt(pixels)
    if side * side != pixels:
        raise MalformedError(
            f"line 1: expected a label and the pixels of a square image, found {pixels:,} pixels; "
            "a header of the names 1x1, 1x2, … (row x column) states another shape"
        )
    return side, side


SOURCE = OwnFiles(
    name="csv",
    description="train.csv and test.csv of your own",
    find=find_files,
    read=read_folder,
    identity=identity,
)
