"""A user's picture: any common image file, safely decoded into colours."""

import warnings
from pathlib import Path

import numpy as np

from mnistlab.data.arrays import Bytes
from mnistlab.data.files import MalformedError, foreign, regular_size
from mnistlab.support.near_names import near_files
from mnistlab.support.safe_files import open_file

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "PPM")
ENDINGS = (
    ".png",
    ".jpg",
    ".jpeg",
    ".webp",
    ".tif",
    ".tiff",
    ".bmp",
    ".gif",
    ".ppm",
    ".pgm",
    ".pbm",
)
MAX_FILE_BYTES = 1 << 28
# A picture of this many pixels takes 200 MB; a file of a few kB can declare any size.
MAX_PIXELS = 1 << 26
# Above this grey, ink on a transparent background counts as light.
LIGHT = 128
# White in pictures of values 0 to 1, of bytes in wider integers, and of 10, 12, 14 and 16 bits.
WHITES = (1.0, 255.0, 1023.0, 4095.0, 16383.0, 65535.0)
# Sharpening filters exceed white a little; a tenth more is still the same white.
OVERSHOOT = 1.1
# Two successive whites differ by a factor of at most four, except 1 and 255.
DARKEST = 5


def pictures_at(path: Path) -> list[Path]:
    """The pictures in a folder, recognised by their suffixes, in the order of their names. The path
    itself if it is a file, or a folder without pictures.
    """
    try:
        found = [file for file in path.iterdir() if file.suffix.lower() in ENDINGS]
    except OSError:  # no folder, or not listable: opening it will raise the error
        return [path]
    return sorted(file for file in found if not file.name.startswith(".")) or [path]


def _near_pictures(path: Path) -> str:
    """`; did you mean …?` with the pictures of similar names in the folder, or an empty text."""
    if not path.parent.is_dir():
        return ""
    near = near_files(path.name, {file.name for file in pictures_at(path.parent)})
    names = " or ".join(str(path.parent / name) for name in near)
    return f"; did you mean {names}?" if names else ""


def read_picture(path: Path) -> Bytes:
    """The picture's colours, uint8 (height, width, 3), upright.

    A transparent background becomes white under dark ink, black under light ink; 16 bits become 8.
    Raises MalformedError; for a wrong size before anything is unpacked.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        if path.is_dir():
            raise MalformedError(f"is a folder without pictures; they end in {', '.join(ENDINGS)}")
        size = regular_size(path)
        if size == 0:
            raise MalformedError("expected an image, found an empty file")
        if size > MAX_FILE_BYTES:
            raise MalformedError(
                f"expected an image of at most {MAX_FILE_BYTES:,} bytes, found {size:,}"
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # decoders warn of images that they can still decode
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as image:
                width, height = image.size
                if width * height > MAX_PIXELS:
                    raise MalformedError(_too_many_pixels(f"{width:,} × {height:,}"))
                # Of channels of 16 bits Pillow keeps the upper 8, and no longer knows it after
                # decoding.
                halved = any(";16" in str(tile[3]) for tile in image.tile)
                return _colours(ImageOps.exif_transpose(image), halved)
    except UnidentifiedImageError:
        raise MalformedError(
            f"expected an image ({', '.join(FORMATS)}), found {_found(path)}"
        ) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise MalformedError(_too_many_pixels("more")) from None
    except MalformedError:
        raise
    except FileNotFoundError as error:
        raise MalformedError(f"no such file{_near_pictures(path)}") from error
    except OSError as error:
        if error.strerror:
            raise MalformedError(f"cannot be read: {error.strerror}") from error
        raise MalformedError(f"expected a valid image, found a damaged one ({error})") from error
    except Exception as error:  # decoders may raise any error for damaged bytes
        raise MalformedError(f"expected a valid image, found a damaged one ({error})") from error


def grey(colours: Bytes) -> Bytes:
    """The brightness, uint8 (height, width), of colours uint8 (height, width, 3)."""
    from PIL import Image

    return np.asarray(Image.fromarray(colours).convert("L"))


def _too_many_pixels(found: str) -> str:
    return f"expected at most {MAX_PIXELS / 1e6:.0f} million pixels, found {found}"


def _colours(image: object, halved: bool) -> Bytes:
    """An opened image as uint8 (height, width, 3); `halved`: it has only the upper 8 of 16 bits of
    each channel.
    """
    from PIL import Image

    assert isinstance(image, Image.Image)
    if image.mode.startswith("I") or image.mode == "F":
        return _eight_bits(np.asarray(image, np.float64))
    if "A" in image.getbands() or "transparency" in image.info:
        colours = np.asarray(image.convert("RGBA"))
        if halved:
            parts = (_by_own_white(colours[..., :3]), _by_own_white(colours[..., 3:]))
            colours = np.concatenate(parts, axis=-1)
        return _on_ground(colours)
    colours = np.asarray(image.convert("RGB"))
    return _by_own_white(colours) if halved else colours


def _by_own_white(upper: Bytes) -> Bytes:
    """The upper bytes of 16-bit channels, uint8, rescaled so that white is 255."""
    top = upper.max(initial=0)
    white = next(int(white) >> 8 for white in WHITES[2:] if top <= int(white) >> 8)
    return np.rint(upper * (255 / white)).astype(np.uint8)


def _eight_bits(values: np.ndarray) -> Bytes:
    """Greys of more than 8 bits, (height, width), as uint8 (height, width, 3).

    White is that of the common kind of picture that fits the largest value. In a picture much
    darker than any such kind, the largest value is white.
    """
    finite = np.isfinite(values)
    top = float(values[finite].max(initial=0))
    white = next((white for white in WHITES if top <= white * OVERSHOOT), top)
    if white > 1 and top < white / DARKEST:
        white = top
    # An infinite value is white or black; NaN is black.
    values = np.nan_to_num(values, nan=0.0, posinf=white, neginf=0.0)
    scaled = np.clip(values * (255 / white), 0, 255)
    return np.repeat(np.rint(scaled).astype(np.uint8)[..., None], 3, axis=2)


def _on_ground(colours: Bytes) -> Bytes:
    """Colours with alpha, uint8 (height, width, 4), on white or black, whichever shows the ink."""
    rgb, alpha = colours[..., :3].astype(np.float32), colours[..., 3:].astype(np.float32) / 255
    drawn = float((rgb * alpha).sum()) / max(3 * float(alpha.sum()), 1.0)
    ground = 0.0 if drawn > LIGHT and float(alpha.min()) < 1 else 255.0
    return np.rint(rgb * alpha + ground * (1 - alpha)).astype(np.uint8)


def _found(path: Path) -> str:
    with open_file(path) as file:
        start = file.read(8)
    return foreign(start) or "something else"
