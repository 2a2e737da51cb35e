"""The `png` source."""

import struct
import tempfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from own_files_helpers import (
    SMALL,
    png_bytes,
    png_chunk,
    refusal,
    write_png,
)
from PIL import Image

from mnistlab.data import png
from mnistlab.data.files import MalformedError
from mnistlab.data.png import read_png

GREY = SMALL.train_images[0]
ONE = Path("train") / "1" / "img_4.png"  # neither the first image nor the last


def saved(image: Image.Image, **options) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.png"
        image.save(path, **options)
        return path.read_bytes()


def read_bytes(content: bytes) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.png"
        path.write_bytes(content)
        return read_png(path)


SOUND = saved(Image.fromarray(GREY))


def coloured() -> Image.Image:
    return Image.fromarray(np.dstack([GREY, GREY, GREY ^ 1]))


def transparent() -> Image.Image:
    alpha = np.full_like(GREY, 255)
    alpha[2, 3] = 254
    return Image.fromarray(np.dstack([GREY, GREY, GREY, alpha]))


def bomb() -> bytes:
    """A few kilobytes that declare 2.5 gigabytes."""
    return png_bytes(bytes(1 << 20), 50_000, 50_000)


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


# The content of one image's file, and a part of the message.
DAMAGED = {
    "an empty file": (b"", "expected a PNG file, found an empty file"),
    "a JPEG image": (b"\xff\xd8\xff\xe0" + bytes(50), "expected a PNG file, found a JPEG image"),
    "a web page": (b"<!DOCTYPE html>", "found a web page"),
    "some text": (b"seven", "found 73 65 76 65 6e"),
    "a signature alone": (SOUND[:8], "begins with its header, found none"),
    "a header alone": (SOUND[:33], "a truncated one"),
    "an image cut by one byte": (SOUND[:-1], "a truncated one"),
    "an image cut in half": (SOUND[: len(SOUND) // 2], "a truncated one"),
    "a flipped bit of a pixel": (flipped(SOUND, 48), "a wrong checksum at byte 33"),
    "a flipped bit of the header": (flipped(SOUND, 26), "a wrong checksum at byte 8"),
    "pixels that are not deflated": (
        SOUND[:33] + png_chunk(b"IDAT", b"pixels") + png_chunk(b"IEND", b""),
        "a damaged one",
    ),
    "too few pixels": (png_bytes(bytes(29), 5, 5), "expected 30 bytes of pixels, found 29"),
    "no pixels": (SOUND[:33] + png_chunk(b"IEND", b""), "expected 30 bytes of pixels, found 0"),
    "a colour type that there is not": (png_bytes(bytes(30), 5, 5, 8, 5), "found 5"),
    "two headers": (SOUND[:33] + SOUND[8:33] + SOUND[33:], "with one header, found more"),
    "another size": (
        saved(Image.fromarray(GREY[:4])),
        "of 5 × 5 pixels, as the first one, found 4",
    ),
    "no height": (png_bytes(b"", 0, 5), "found 0 × 5"),
    "a decompression bomb": (bomb(), "found 50,000 × 50,000"),
    "16 bits": (saved(Image.fromarray(GREY.astype(np.uint16))), "8 bits a pixel, found 16"),
    "16-bit colours": (png_bytes(bytes(5 * 31), 5, 5, 16, 2), "8 bits a pixel, found 16"),
    "colours": (saved(coloured()), "expected grey pixels, found coloured ones"),
    "a palette of colours": (saved(coloured().quantize(8)), "found coloured ones"),
    "transparent pixels": (saved(transparent()), "expected opaque pixels"),
    "a grey that counts as transparent": (
        saved(Image.fromarray(GREY), transparency=int(GREY[0, 0])),
        "expected opaque pixels",
    ),
    "a bit depth that there is not": (png_bytes(bytes(30), 5, 5, 7), "a damaged one"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_or_foreign_image_is_named(name, tmp_path):
    content, told = DAMAGED[name]
    folder = write_png(tmp_path / "own", SMALL)
    (folder / ONE).write_bytes(content)
    message = refusal("png", folder)
    assert message.startswith(f"{folder / ONE}: ")
    assert told in message
    assert message.endswith("repair or replace the file")


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA"])
def test_grey_pixels_are_the_same_in_every_mode(mode):
    np.testing.assert_array_equal(read_bytes(saved(Image.fromarray(GREY).convert(mode))), GREY)


def test_a_grey_palette_is_looked_up():
    palette = Image.fromarray(np.arange(25, dtype=np.uint8).reshape(5, 5))
    palette = palette.convert("P")
    palette.putpalette([value for grey in GREY.ravel().tolist() for value in (grey,) * 3])
    np.testing.assert_array_equal(read_bytes(saved(palette)), GREY)


@pytest.mark.parametrize(("depth", "step"), [(1, 255), (2, 85), (4, 17)])
def test_few_bits_are_spread_from_black_to_white(depth, step):
    levels = np.arange(8 // depth) % 2**depth
    packed = sum(int(level) << 8 - depth * (i + 1) for i, level in enumerate(levels))
    content = png_bytes(bytes([0, packed]), 1, len(levels), depth)
    np.testing.assert_array_equal(read_bytes(content), [levels * step])


@pytest.mark.parametrize("side", [1, 2, 3, 5, 9])
def test_an_interlaced_image_is_read_when_it_has_all_its_pixels(side):
    image = np.random.default_rng(side).integers(0, 256, (side, side), dtype=np.uint8)
    rows = b"".join(
        b"\0" + row.tobytes()
        for top, left, down, right in png.ADAM7
        for row in image[top::down, left::right]
        if row.size
    )
    np.testing.assert_array_equal(read_bytes(png_bytes(rows, side, side, interlaced=1)), image)
    with pytest.raises(MalformedError, match=r"bytes of pixels, found"):
        read_bytes(png_bytes(rows[:-1], side, side, interlaced=1))


def test_a_gamma_changes_no_pixel():
    gamma = png_chunk(b"gAMA", struct.pack(">I", 45455))
    rows = b"".join(b"\0" + row.tobytes() for row in GREY)
    np.testing.assert_array_equal(read_bytes(png_bytes(rows, 5, 5, 8, 0, gamma)), GREY)


def test_the_size_is_checked_before_anything_is_unpacked(tmp_path, monkeypatch):
    def no_unpacking(*_, **__):
        raise AssertionError("unpacked")

    monkeypatch.setattr(Image, "open", no_unpacking)
    with pytest.raises(MalformedError, match="found 50,000 × 50,000"):
        read_bytes(bomb())


def test_a_file_too_large_for_any_image_is_not_read(tmp_path, monkeypatch):
    path = tmp_path / "large.png"
    path.write_bytes(SOUND)
    with path.open("r+b") as file:
        file.truncate(png.MAX_FILE_BYTES + 1)  # a sparse file uses no disk space
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("read"))
    with pytest.raises(MalformedError, match="at most 67,108,864 bytes"):
        read_png(path)


def test_an_unpacked_text_beyond_all_measure_is_refused():
    text = png_chunk(b"zTXt", b"key\0\0" + zlib.compress(bytes(1 << 26)))
    rows = b"".join(b"\0" + row.tobytes() for row in GREY)
    with pytest.raises(MalformedError, match="a damaged one"):
        read_bytes(png_bytes(rows, 5, 5, 8, 0, text))


@settings(deadline=None, max_examples=200)
@given(bit=st.integers(0, 8 * len(SOUND) - 1))
def test_a_flipped_bit_in_an_image_is_always_found(bit):
    content = bytearray(SOUND)
    content[bit // 8] ^= 1 << bit % 8
    with pytest.raises(MalformedError):
        read_bytes(bytes(content))


@settings(deadline=None, max_examples=200)
@given(body=st.binary(max_size=60), kind=st.sampled_from([b"IDAT", b"PLTE", b"tRNS", b"iCCP"]))
def test_a_chunk_of_random_bytes_is_refused_or_harmless(body, kind):
    content = SOUND[:33] + png_chunk(kind, body) + SOUND[33:]
    try:
        assert read_bytes(content).shape == (5, 5)
    except MalformedError:
        return
