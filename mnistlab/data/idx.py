"""IDX, the format of MNIST: http://yann.lecun.com/exdb/mnist (file formats)."""

import io
import math
import struct
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from mnistlab.data.arrays import Bytes
from mnistlab.data.files import MAX_BYTES, MalformedError, check_memory, foreign, unpacked

UNSIGNED_BYTE = 0x08
CHUNK_BYTES = 1 << 20
KINDS = {1: "labels", 3: "images"}


def read_idx(path: Path, dimensions: int, shape: tuple[int, ...] | None = None) -> Bytes:
    """The content of an IDX file of unsigned bytes, gzipped or plain (detected by its first bytes).

    `dimensions`: 3 for images, returned as uint8 (n, height, width); 1 for labels, uint8 (n,).
    `shape`: the only allowed shape, if known. Raises MalformedError, before anything is allocated,
    if header and size disagree.
    """
    with unpacked(path, "an IDX file") as (stream, most):
        return read_stream(stream, dimensions, shape, most)


def read_stream(
    stream: io.BufferedIOBase, dimensions: int, shape: tuple[int, ...] | None, most: int
) -> Bytes:
    """`read_idx` of a stream. `most`: the largest number of bytes in it."""
    found = _read_header(stream, dimensions)
    if shape is not None and found != shape:
        raise MalformedError(f"expected {_described(shape)}, its header says {_described(found)}")
    expected = math.prod(found)
    if expected == 0:
        raise MalformedError(f"expected at least one byte of data, found {_described(found)}")
    if expected > MAX_BYTES or expected + header_bytes(dimensions) > most:
        raise MalformedError(
            f"expected {expected:,} bytes after the header ({_described(found)}), "
            f"found a file that cannot hold them"
        )
    check_memory(expected)
    array = np.empty(expected, dtype=np.uint8)
    view, filled = array.data, 0
    while filled < expected:
        count = stream.readinto(view[filled : filled + CHUNK_BYTES])
        if count == 0:
            raise MalformedError(f"expected {expected:,} bytes after the header, found {filled:,}")
        filled += count
    # One more byte: detects trailing data, and makes gzip compare its checksum.
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
    if name := foreign(magic):
        return name
    if magic[:3] == bytes([0, 0, UNSIGNED_BYTE]) and magic[3:] and magic[3] in KINDS:
        return f"IDX {KINDS[magic[3]]} ({magic.hex(' ')})"
    return magic.hex(" ")


def _described(shape: tuple[int, ...]) -> str:
    return f"{shape[0]:,} labels" if len(shape) == 1 else " × ".join(f"{n:,}" for n in shape)


def header(shape: Iterable[int]) -> bytes:
    """The header of an IDX file of unsigned bytes of this shape."""
    sizes = tuple(shape)
    return bytes([0, 0, UNSIGNED_BYTE, len(sizes)]) + struct.pack(f">{len(sizes)}I", *sizes)


def header_bytes(dimensions: int) -> int:
    """The header's length: the magic number and one 32-bit size per dimension."""
    return 4 + 4 * dimensions
