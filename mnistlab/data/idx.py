"""IDX, the format MNIST is published in: http://yann.lecun.com/exdb/mnist (file formats)."""

import gzip
import io
import math
import stat
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from mnistlab.data.arrays import Bytes

GZIP_MAGIC = b"\x1f\x8b"
UNSIGNED_BYTE = 0x08
# Deflate cannot shrink anything by more than 1032 to 1, so a larger promise is a lie.
MAX_DEFLATE_RATIO = 1032
# Seventy times MNIST; also bounds what an honest decompression bomb can fill.
MAX_BYTES = 1 << 32
CHUNK_BYTES = 1 << 20
KINDS = {1: "labels", 3: "images"}
FOREIGN = {
    b"<": "a web page (HTML or XML)",
    b"PK\x03\x04": "a ZIP archive",
    b"\xfd7zX": "an XZ file",
    b"BZh": "a bzip2 file",
    b"\x93NUM": "a NumPy file",
    b"vers": "text (a Git LFS pointer?)",
}


class MalformedError(Exception):
    """What was expected of a file and what was found; the caller knows the file's name."""


def read_idx(path: Path, dimensions: int, shape: tuple[int, ...] | None = None) -> Bytes:
    """The content of an IDX file of unsigned bytes, gzipped or plain (told by its first bytes).

    `dimensions`: 3 for images, returned as uint8 (n, height, width); 1 for labels, uint8 (n,).
    `shape`: the only shape allowed, when it is known.
    Raises MalformedError, before anything is allocated, when header and size disagree.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # a pipe would block for ever
            raise MalformedError("expected a file, found a folder or a device")
        with path.open("rb") as raw:
            if raw.read(2) != GZIP_MAGIC:
                raw.seek(0)
                return _read_stream(raw, dimensions, shape, _plain_room(status.st_size))
            raw.seek(0)
            room = status.st_size * MAX_DEFLATE_RATIO
            with gzip.GzipFile(fileobj=raw) as unpacked:
                return _read_stream(unpacked, dimensions, shape, room)
    except EOFError as error:
        raise MalformedError("expected a whole gzip file, found a truncated one") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise MalformedError(
            f"expected a sound gzip file, found a damaged one ({error})"
        ) from error
    except OSError as error:
        raise MalformedError(f"cannot be read: {error.strerror or error}") from error
    except MemoryError as error:
        raise MalformedError("needs more memory than there is") from error


def _plain_room(size: int) -> int:
    if size == 0:
        raise MalformedError("expected an IDX file, found an empty one (0 bytes)")
    return size


def _read_stream(
    stream: io.BufferedIOBase, dimensions: int, shape: tuple[int, ...] | None, room: int
) -> Bytes:
    """`room`: the most bytes that the stream can hold."""
    found = _read_header(stream, dimensions)
    if shape is not None and found != shape:
        raise MalformedError(f"expected {_described(shape)}, its header says {_described(found)}")
    expected = math.prod(found)
    if expected == 0:
        raise MalformedError(f"expected at least one byte of data, found {_described(found)}")
    if expected > MAX_BYTES or expected + header_bytes(dimensions) > room:
        raise MalformedError(
            f"expected {expected:,} bytes after the header ({_described(found)}), "
            f"found a file that cannot hold them"
        )
    array = np.empty(expected, dtype=np.uint8)
    view, filled = array.data, 0
    while filled < expected:
        count = stream.readinto(view[filled : filled + CHUNK_BYTES])
        if count == 0:
            raise MalformedError(f"expected {expected:,} bytes after the header, found {filled:,}")
        filled += count
    # One byte more: finds what trails, and makes gzip compare its checksum.
    if stream.read(1):
        raise MalformedError(f"expected {expected:,} bytes after the header, found more")
    return array.reshape(found)


def _read_header(stream: io.BufferedIOBase, dimensions: int) -> tuple[int, ...]:
    magic = stream.read(4)
    expected = bytes([0, 0, UNSIGNED_BYTE, dimensions])
    if magic != expected:
        kind = KINDS[dimensions]
        found = _named(magic)
        raise MalformedError(
            f"expected the magic bytes {expected.hex(' ')} of IDX {kind}, found {found}"
        )
    sizes = stream.read(4 * dimensions)
    if len(sizes) < 4 * dimensions:
        raise MalformedError(
            f"expected a header of {header_bytes(dimensions)} bytes, found {4 + len(sizes)}"
        )
    return struct.unpack(f">{dimensions}I", sizes)


def _named(magic: bytes) -> str:
    if not magic:
        return "nothing"
    for start, name in FOREIGN.items():
        if magic.startswith(start):
            return name
    if magic[:3] == bytes([0, 0, UNSIGNED_BYTE]) and magic[3:] and magic[3] in KINDS:
        return f"IDX {KINDS[magic[3]]} ({magic.hex(' ')})"
    return magic.hex(" ")


def _described(shape: tuple[int, ...]) -> str:
    return f"{shape[0]:,} labels" if len(shape) == 1 else " × ".join(f"{n:,}" for n in shape)


def header(shape: Iterable[int]) -> bytes:
    """The header of an IDX file that holds unsigned bytes of this shape."""
    sizes = tuple(shape)
    return bytes([0, 0, UNSIGNED_BYTE, len(sizes)]) + struct.pack(f">{len(sizes)}I", *sizes)


def header_bytes(dimensions: int) -> int:
    """The header's length: the magic number and one 32-bit size per dimension."""
    return 4 + 4 * dimensions


def is_gzipped(path: Path) -> bool:
    """Whether the file begins as gzip does. Raises OSError."""
    with path.open("rb") as file:
        return file.read(2) == GZIP_MAGIC


def fingerprint(path: Path) -> tuple[str, int, int]:
    """Path, size in bytes and time of change in ns: tells cheaply that a file is the same one."""
    status = path.stat()
    return str(path), status.st_size, status.st_mtime_ns
