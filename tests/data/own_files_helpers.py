"""The user's own files in every format, written from arrays."""

import gzip
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from data_helpers import small_arrays, write_folder
from PIL import Image

from mnistlab.data import open_source
from mnistlab.data.arrays import Arrays
from mnistlab.data.source import Source
from mnistlab.data.sources.npz import KEYS
from mnistlab.support.errors import DataError


def parts_of(arrays: Arrays) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    return {"train": arrays[:2], "test": arrays[2:]}


def write_png(folder: Path, arrays: Arrays) -> Path:
    """Names have the index without leading zeros."""
    for part, (images, labels) in parts_of(arrays).items():
        for index, (image, label) in enumerate(zip(images, labels, strict=True)):
            path = folder / part / str(label) / f"img_{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(path)
    return folder


def csv_text(images: np.ndarray, labels: np.ndarray, header: str = "") -> str:
    rows = np.concatenate([labels[:, None], images.reshape(len(images), -1)], axis=1)
    lines = [header] if header else []
    return "".join(
        f"{line}\n" for line in [*lines, *(",".join(map(str, row.tolist())) for row in rows)]
    )


def header_1x1(height: int, width: int) -> str:
    names = (f"{row}x{column}" for row in range(1, height + 1) for column in range(1, width + 1))
    return ",".join(["label", *names])


def write_csv(
    folder: Path,
    arrays: Arrays,
    *,
    header: bool = False,
    gzipped: bool = False,
    name: str = "{part}.csv",
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for part, (images, labels) in parts_of(arrays).items():
        text = csv_text(images, labels, header_1x1(*images.shape[1:]) if header else "")
        path = folder / (name.format(part=part) + (".gz" if gzipped else ""))
        path.write_bytes(gzip.compress(text.encode(), mtime=0) if gzipped else text.encode())
    return folder


def write_npz(folder: Path, arrays: Arrays, *, compressed: bool = False) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    save = np.savez_compressed if compressed else np.savez
    save(folder / "mnist.npz", **{KEYS[role]: array for role, array in arrays._asdict().items()})
    return folder


# Every container: the source that reads it, and what writes it.
CONTAINERS: dict[str, tuple[str, Callable[[Path, Arrays], Path]]] = {
    "idx": ("idx", write_folder),
    "idx, gzipped": ("idx", lambda f, a: write_folder(f, a, gzipped=True)),
    "png": ("png", write_png),
    "csv": ("csv", write_csv),
    "csv with a header": ("csv", lambda f, a: write_csv(f, a, header=True)),
    "csv, gzipped": ("csv", lambda f, a: write_csv(f, a, gzipped=True)),
    "csv by MNIST's name": ("csv", lambda f, a: write_csv(f, a, name="mnist_{part}.csv")),
    "npz": ("npz", write_npz),
    "npz, compressed": ("npz", lambda f, a: write_npz(f, a, compressed=True)),
}


def open_own(name: str, path: Path) -> Source:
    return open_source(name, path, data_dir=path.parent / "no-data")


def refusal(name: str, path: Path) -> str:
    """The message for files that are refused as missing or damaged."""
    with pytest.raises(DataError) as caught:
        open_own(name, path)
    assert caught.value.exit_code == 4
    return str(caught.value)


def assert_same(source: Source, arrays: Arrays) -> None:
    for role, array in arrays._asdict().items():
        found = getattr(source, role)
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, array)


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_bytes(
    rows: bytes,
    height: int,
    width: int,
    depth: int = 8,
    colour: int = 0,
    *extra: bytes,
    interlaced: int = 0,
) -> bytes:
    """A PNG file, built here; `rows` with their filter bytes; `extra` chunks go before
    the pixels.
    """
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    chunks = [png_chunk(b"IHDR", header), *extra]
    chunks += [png_chunk(b"IDAT", zlib.compress(rows)), png_chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


SMALL = small_arrays()
