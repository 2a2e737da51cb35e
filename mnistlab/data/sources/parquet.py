"""The `parquet` source: train-*.parquet and test-*.parquet, as Hugging Face publishes datasets.

A row is an image: a column `image` has the bytes of a PNG or JPEG file, a column `label` a whole
number. Files are read a few rows at a time. The names of the classes are those that Hugging Face
keeps in the files.
"""

import json
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from mnistlab.data.arrays import Arrays, Bytes
from mnistlab.data.files import MalformedError, check_memory, foreign, regular_size
from mnistlab.data.image_file import decode_image
from mnistlab.data.own_files import ADVICE, check_agreement, check_size, list_folder, natural_order
from mnistlab.data.source import identity
from mnistlab.data.source_kinds import OwnFiles
from mnistlab.support.errors import DataError, UsageError, data_error
from mnistlab.support.safe_files import open_file

PARTS = ("train", "test")
NAME = re.compile(r"(?P<part>train|test)(?:[-_.].*)?\.parquet", re.IGNORECASE)
# One file of several: its number, and the number of files.
SHARD = re.compile(r"-(?P<number>[0-9]+)-of-(?P<count>[0-9]+)")
EXPECTED = "a folder of train-*.parquet and test-*.parquet"
# What a first level of folders is called where Hugging Face's files are copied as they are.
BELOW = ("data", "default", "mnist", "fashion_mnist")
IMAGE_COLUMNS = ("image", "img")
LABEL_COLUMNS = ("label", "labels")
KINDS = {b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG"}
ROWS = 1024
MAX_LABEL = 255

Files = dict[str, list[Path]]


def find_files(path: Path) -> Files:
    """The files of `train` and of `test`, by name, in the folder or in one below it.

    Raises DataError if the folder is missing, or one of the two has no file, or lacks one of
    several.
    """
    folders = [path, *(path / name for name in BELOW if (path / name).is_dir())]
    for folder in folders:
        files: Files = {part: [] for part in PARTS}
        for file in list_folder(folder, EXPECTED):
            if match := NAME.fullmatch(file.name):
                files[match["part"].lower()].append(file)
        if any(files.values()):
            break
    if missing := [part for part in PARTS if not files[part]]:
        raise DataError(
            *(
                f"{folder}: expected files named like {part}-00000-of-00001.parquet, found none"
                for part in missing
            )
        )
    for part in PARTS:
        files[part].sort(key=lambda file: natural_order(file.name))
        _check_complete(folder, [path.name for path in files[part]])
    return files


def _check_complete(folder: Path, names: Sequence[str]) -> None:
    """Raise DataError unless files named `…-00000-of-00002` are all there, and no others."""
    shards = [SHARD.search(name) for name in names]
    found = [shard for shard in shards if shard]
    if not found:
        return
    first = found[0]
    alike = {(shard.string[: shard.start()], shard["count"]) for shard in found}
    if len(alike) > 1 or len(found) < len(names):
        raise DataError(
            f"{folder}: expected the files of one set, {first.string} and those that belong to "
            f"it, found {', '.join(names[:10])}; leave one set"
        )
    numbers = {int(shard["number"]) for shard in found}
    absent = next((n for n in range(int(first["count"])) if n not in numbers), None)
    if absent is not None:
        number = str(absent).zfill(len(first["number"]))
        raise DataError(
            f"{folder}: expected {int(first['count']):,} files, found {len(found):,}: "
            f"{first.string[: first.start()]}-{number}-of-{first['count']} missing; add it"
        )


def read_files(files: Files) -> Arrays:
    """The four arrays. Raises DataError that names the file."""
    shape: tuple[int, ...] | None = None
    read = []
    for part in PARTS:
        images, labels = _read_part(files[part], shape)
        shape = images.shape[1:]
        read += [images, labels]
    arrays = Arrays(*read)
    check_agreement(arrays, {role: str(files[role.split("_")[0]][0]) for role in Arrays._fields})
    return arrays


def _read_part(paths: Sequence[Path], shape: tuple[int, ...] | None) -> tuple[Bytes, Bytes]:
    """The images and labels of all files of a part, in order; `shape`: the only one allowed."""
    count = 0
    for path in paths:  # the numbers of rows, so that memory is taken once
        with _opened(path) as table:
            count += table.metadata.num_rows
    if count == 0:
        raise DataError(f"{paths[0]}: expected a row for each image, found none; {ADVICE}")
    images, labels, filled = np.empty((0, 0, 0), np.uint8), np.empty(count, np.uint8), 0
    with ThreadPoolExecutor() as pool:
        for path in paths:
            with _opened(path) as table:
                for row, contents, some in _rows(table):
                    if shape is None:
                        shape = _decode(contents[0], row).shape
                    if not images.size:
                        check_size(count, *shape)
                        check_memory(count * shape[0] * shape[1])
                        images = np.empty((count, *shape), np.uint8)
                    end = filled + len(some)
                    _decode_all(pool, contents, row, images[filled:end])
                    labels[filled:end] = some
                    filled = end
    return images, labels


def _decode_all(
    pool: ThreadPoolExecutor, contents: Sequence[bytes], first_row: int, images: Bytes
) -> None:
    """Decode each image into its place; raises MalformedError for the first that cannot be."""
    rows, shape = range(first_row, first_row + len(contents)), images.shape[1:]
    decoded = pool.map(lambda content, row: _decode(content, row, shape), contents, rows)
    for place in range(len(contents)):
        images[place] = next(decoded)


def _rows(table: Any) -> Iterator[tuple[int, list[bytes], Bytes]]:
    """Some rows at a time: the number of the first, from 1, the files of their images, the labels.

    Raises MalformedError that names the row.
    """
    names = table.schema_arrow.names
    image = _column(names, IMAGE_COLUMNS)
    label = _column(names, LABEL_COLUMNS)
    first_row = 1
    for batch in table.iter_batches(ROWS, columns=[image, label]):
        values = batch.column(image).to_pylist()
        found = [value.get("bytes") if isinstance(value, dict) else value for value in values]
        contents = []
        for row, one in enumerate(found, first_row):
            if not (isinstance(one, bytes) and one):
                raise MalformedError(
                    f"row {row:,}, column {image}: expected the bytes of an image, found none; "
                    "download the dataset with its images, not their addresses"
                )
            contents.append(one)
        yield first_row, contents, _labels(batch.column(label).to_pylist(), label, first_row)
        first_row += len(contents)


def _column(names: Sequence[str], expected: Sequence[str]) -> str:
    found = [name for name in expected if name in names]
    if not found:
        raise MalformedError(
            f"expected a column {expected[0]}, found {', '.join(map(repr, names[:10])) or 'none'}"
        )
    return found[0]


def _labels(values: list[Any], column: str, first_row: int) -> Bytes:
    for row, value in enumerate(values, first_row):
        if type(value) is not int or not 0 <= value <= MAX_LABEL:
            raise MalformedError(
                f"row {row:,}, column {column}: expected labels of 0 to {MAX_LABEL}, "
                f"found {value!r}"
            )
    return np.array(values, np.uint8)


def _decode(content: bytes, row: int, shape: tuple[int, ...] | None = None) -> Bytes:
    """The image of a row; raises MalformedError that names the row."""
    try:
        kind = next((kind for magic, kind in KINDS.items() if content.startswith(magic)), None)
        if kind is None:
            found = foreign(content) or content[:8].hex(" ")
            raise MalformedError(f"expected an image as a PNG or JPEG file, found {found}")
        return decode_image(content, kind, shape)
    except MalformedError as error:
        raise MalformedError(f"row {row:,}: {error}") from error


def class_names(files: Files) -> tuple[str, ...] | None:
    """The names of the labels that Hugging Face keeps in a file; None if there are none."""
    with _opened(files["train"][0]) as table:
        kept = (table.schema_arrow.metadata or {}).get(b"huggingface", b"{}")
        column = _column(table.schema_arrow.names, LABEL_COLUMNS)
        try:
            names = json.loads(kept)["info"]["features"][column]["names"]
        except (ValueError, KeyError, TypeError):
            return None
    usable = isinstance(names, list) and all(isinstance(name, str) for name in names)
    printable = usable and all(name.isprintable() and name for name in names)
    return tuple(names) if printable and 1 < len(names) <= MAX_LABEL + 1 else None


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The file, as pyarrow's ParquetFile. Raises DataError, also for errors while it is read;
    UsageError if pyarrow is missing.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise UsageError(
            "data.source: parquet needs pyarrow: pip install 'mnistlab[parquet]'"
        ) from error
    try:
        regular_size(path)
        with open_file(path) as file, pq.ParquetFile(file) as table:
            yield table
    except MalformedError as error:
        raise DataError(f"{path}: {error}; {ADVICE}") from error
    except (pa.ArrowException, UnicodeDecodeError) as error:
        reason = str(error).partition("\n")[0][:200]
        raise DataError(
            f"{path}: expected a valid Parquet file, found another or a damaged one ({reason}); "
            f"{ADVICE}"
        ) from error
    except MemoryError as error:
        raise DataError(f"{path}: needs more memory than there is") from error
    except OSError as error:
        raise data_error(f"{path}: cannot be read ({error.strerror or error})", error) from error


SOURCE = OwnFiles(
    name="parquet",
    description="Parquet files of Hugging Face, with columns image and label",
    find=find_files,
    read=read_files,
    identity=lambda files: identity({str(path): path for part in PARTS for path in files[part]}),
    names=class_names,
)
