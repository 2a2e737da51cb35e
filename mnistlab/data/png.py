"""PNG images of digits, safely decoded: https://www.w3.org/TR/png-3/.

Eight-bit grey is expected. Other kinds of up to eight bits (1, 2 or 4 bits, RGB, palette, alpha
channel) are accepted if every pixel is an opaque grey. 16 bits are refused. Gamma and colour
profiles are not applied: values are not converted.
"""

import io
import struct
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mnistlab.data.arrays import Bytes
from mnistlab.data.files import MalformedError, foreign, regular_size, unreadable
from mnistlab.data.own_files import check_size
from mnistlab.support.safe_files import read_file

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# The largest allowed image takes a sixteenth of this, at four bytes a pixel; metadata may follow.
MAX_FILE_BYTES = 1 << 26
# By colour type: grey, RGB, palette, grey with alpha, RGB with alpha.
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# The seven passes of an interlaced image: the first row and column, and the row and column steps.
ADAM7 = (
    (0, 0, 8, 8),
    (0, 4, 8, 8),
    (4, 0, 8, 4),
    (0, 2, 4, 4),
    (2, 0, 4, 2),
    (0, 1, 2, 2),
    (1, 0, 2, 1),
)


class OtherSizeError(MalformedError):
    """An image has another size than the first one."""


class PngHeader(NamedTuple):
    """A file's header; `depth` is in bits per channel."""

    height: int
    width: int
    depth: int
    channels: int
    interlaced: bool


def read_png(path: Path, shape: tuple[int, ...] | None = None) -> Bytes:
    """`decode_png` of a file."""
    return decode_png(file_content(path), shape)


def decode_png(content: bytes, shape: tuple[int, ...] | None = None) -> Bytes:
    """The grey values of a file's content, uint8 (height, width).

    `shape`: the only allowed (height, width), if known. Raises MalformedError; for a wrong size
    before anything is unpacked.
    """
    header = _read_header(content)
    check_size(1, header.height, header.width)
    check_shape((header.height, header.width), shape)
    if header.depth == 16:
        raise MalformedError("expected 8 bits a pixel, found 16; convert the image to 8-bit grey")
    _check_pixels(_check_chunks(content), header)
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
            if image.mode == "L" and "transparency" not in image.info:
                return np.asarray(image)
            colours = np.asarray(image.convert("RGBA"))
    except Exception as error:  # decoders may raise any error for damaged bytes
        raise MalformedError(f"expected a valid PNG file, found a damaged one ({error})") from error
    return opaque_grey(colours)


def file_content(path: Path) -> bytes:
    """The bytes of an image's file. Raises MalformedError."""
    try:
        if (size := regular_size(path)) > MAX_FILE_BYTES:
            raise MalformedError(
                f"expected a file of at most {MAX_FILE_BYTES:,} bytes, found {size:,}"
            )
        return read_file(path)
    except OSError as error:
        raise unreadable(path, error) from error


def check_shape(found: tuple[int, ...], expected: tuple[int, ...] | None) -> None:
    """Raise OtherSizeError if an image's size, (height, width), differs from the first one's."""
    if expected is not None and found != expected:
        raise OtherSizeError(
            f"expected an image of {expected[0]} × {expected[1]} pixels, as the first one, "
            f"found {found[0]} × {found[1]}"
        )


def _read_header(content: bytes) -> PngHeader:
    if not content.startswith(SIGNATURE):
        found = foreign(content) or (content[:8].hex(" ") if content else "an empty file")
        raise MalformedError(f"expected a PNG file, found {found}")
    if len(content) < 33 or content[8:16] != b"\0\0\0\x0dIHDR":
        raise MalformedError("expected a PNG file that begins with its header, found none")
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", content[16:29])
    if colour not in CHANNELS:
        raise MalformedError(f"expected a colour type of PNG, found {colour}")
    return PngHeader(height, width, depth, CHANNELS[colour], bool(interlaced))


def _check_chunks(content: bytes) -> bytes:
    """Verify every chunk's checksum, which Pillow does not; returns the pixels, still deflated."""
    view, position, kind, deflated = memoryview(content), len(SIGNATURE), b"", b""
    while kind != b"IEND":
        end = position + 8 + int.from_bytes(view[position : position + 4])
        if end + 4 > len(view):
            raise MalformedError("expected a complete PNG file, found a truncated one")
        kind = bytes(view[position + 4 : position + 8])
        if zlib.crc32(view[position + 4 : end]) != int.from_bytes(view[end : end + 4]):
            raise MalformedError(
                f"expected a valid PNG file, found a wrong checksum at byte {position}"
            )
        # A second header would change the verified size.
        if (kind == b"IHDR") != (position == len(SIGNATURE)):
            raise MalformedError("expected a PNG file with one header, found more")
        if kind == b"IDAT":
            deflated += view[position + 8 : end]
        position = end + 4
    return deflated


def _check_pixels(deflated: bytes, header: PngHeader) -> None:
    """Count the bytes of pixels, with each row's filter byte: Pillow would pad with black."""
    expected = 0
    for top, left, down, right in ADAM7 if header.interlaced else [(0, 0, 1, 1)]:
        rows, columns = -(-(header.height - top) // down), -(-(header.width - left) // right)
        if columns > 0:
            expected += rows * (1 + -(-columns * header.depth * header.channels // 8))
    try:
        found = len(zlib.decompressobj().decompress(deflated, expected))
    except zlib.error as error:
        raise MalformedError(f"expected a valid PNG file, found a damaged one ({error})") from error
    if found < expected:
        raise MalformedError(f"expected {expected:,} bytes of pixels, found {found:,}")


def opaque_grey(colours: Bytes, rounding: int = 0) -> Bytes:
    """Opaque greys of uint8 (height, width, 4) as uint8 (height, width).

    Channels may differ by `rounding`. Raises MalformedError if a pixel is not an opaque grey.
    """
    red, green, blue, alpha = np.moveaxis(colours, -1, 0)
    if (alpha != 255).any():
        raise MalformedError("expected opaque pixels, found transparent ones; remove the alpha")
    # Not np.ptp: comparing bytes for equality is much faster, and most are equal.
    alike = (red == green).all() and (green == blue).all()
    if not alike and int(np.ptp(colours[..., :3], axis=-1).max()) > rounding:
        raise MalformedError("expected grey pixels, found coloured ones; convert the image to grey")
    return green
