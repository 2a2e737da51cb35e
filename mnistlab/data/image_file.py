"""A training image in any common format, safely decoded into grey values.

As for PNG, eight-bit grey is expected, however it is stored, and values are not converted. Of a
file with several pictures the first is used.
"""

import io
from pathlib import Path

import numpy as np

from mnistlab.data.arrays import Bytes
from mnistlab.data.files import MalformedError, foreign
from mnistlab.data.own_files import check_size
from mnistlab.data.png import check_shape, decode_png, file_content, opaque_grey

# Pillow's name of the format, by the file's suffix.
KINDS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".bmp": "BMP",
    ".gif": "GIF",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
}
# Decoding a grey WebP gives channels that differ by up to one.
ROUNDING = {"WEBP": 1, "JPEG": 1}
BITS_PER_SAMPLE = 258  # a TIFF tag


def read_image(path: Path, shape: tuple[int, ...] | None = None) -> Bytes:
    """The image's grey values, uint8 (height, width), by the format of its suffix.

    `shape`: the only allowed (height, width), if known. Raises MalformedError; for a wrong size
    before anything is unpacked.
    """
    return decode_image(file_content(path), KINDS[path.suffix.lower()], shape)


def decode_image(content: bytes, kind: str, shape: tuple[int, ...] | None = None) -> Bytes:
    """`read_image` of a file's content, in a format of KINDS."""
    if kind == "PNG":
        return decode_png(content, shape)
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content), formats=(kind,)) as image:
            check_size(1, image.height, image.width)
            _check_depth(image)
            upright = ImageOps.exif_transpose(image)
            if upright.mode == "L" and "transparency" not in upright.info:
                grey = np.asarray(upright)
            else:
                grey = opaque_grey(np.asarray(upright.convert("RGBA")), ROUNDING.get(kind, 0))
    except UnidentifiedImageError:
        found = foreign(content) or (content[:8].hex(" ") if content else "an empty file")
        raise MalformedError(f"expected a {kind} file, found {found}") from None
    except MalformedError:
        raise
    except Exception as error:  # decoders may raise any error for damaged bytes
        raise MalformedError(
            f"expected a valid {kind} file, found a damaged one ({error})"
        ) from error
    check_shape(grey.shape, shape)
    return grey


def _check_depth(image: object) -> None:
    """Raise MalformedError for more than 8 bits a channel: Pillow would drop bits."""
    from PIL import Image, TiffImagePlugin

    assert isinstance(image, Image.Image)
    bits = 8
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        bits = max(image.tag_v2.get(BITS_PER_SAMPLE, (1,)))
    if bits > 8 or image.mode[0] in "IF":
        found = bits if bits > 8 else "more"
        raise MalformedError(
            f"expected 8 bits a pixel, found {found}; convert the image to 8-bit grey"
        )
