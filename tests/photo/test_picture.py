"""Pictures of every common format, and files that are none."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from mnistlab.data.files import MalformedError
from mnistlab.photo.picture import grey, read_picture

COLOURS = np.random.default_rng(1).integers(0, 256, (6, 9, 3), np.uint8)


def saved(tmp_path, name, image, **options):
    path = tmp_path / name
    image.save(path, **options)
    return path


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif", "a.ppm", "no-suffix"])
def test_colours_are_read_from_any_kind_of_file(tmp_path, name):
    kind = None if "." in name else "PNG"
    path = saved(tmp_path, name, Image.fromarray(COLOURS), **({"format": kind} if kind else {}))
    np.testing.assert_array_equal(read_picture(path), COLOURS)


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "LA", "RGBA"])
def test_every_mode_is_read_as_colours(tmp_path, mode):
    grey_values = np.repeat(COLOURS[..., :1], 3, axis=2) // 128 * 255
    image = Image.fromarray(grey_values).convert(mode)
    path = saved(tmp_path, "a.tif" if mode == "CMYK" else "a.png", image)
    np.testing.assert_array_equal(read_picture(path), grey_values)


def test_sixteen_bits_become_eight(tmp_path):
    values = np.array([[0, 257, 65535], [32896, 65278, 514]], np.uint16)
    found = read_picture(saved(tmp_path, "a.png", Image.fromarray(values)))
    np.testing.assert_array_equal(found[..., 0], [[0, 1, 255], [128, 254, 2]])


def png_of_16_bits(values: np.ndarray) -> bytes:
    """Of uint16 (height, width, channels), which Pillow does not write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    height, width, channels = values.shape
    colour_type = {2: 4, 3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*one) for one in chunks)


@pytest.mark.parametrize("alpha", [None, 65535, "white"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("white", [1023, 4095, 16383, 65535])
def test_colours_of_sixteen_bits_have_the_white_that_the_picture_has(
    tmp_path, white, channels, alpha
):
    values = np.full((6, 9, channels), white, np.uint16)
    values[2:4, 3:5] = 0
    if alpha is not None or channels == 1:
        opaque = white if alpha == "white" else 65535
        values = np.concatenate([values, np.full((6, 9, 1), opaque, np.uint16)], axis=-1)
    (tmp_path / "a.png").write_bytes(png_of_16_bits(values))
    expected = np.full((6, 9, 3), 255, np.uint8)
    expected[2:4, 3:5] = 0
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png"), expected)


@pytest.mark.parametrize("white", [1, 255, 1023, 4095, 16383, 65535, 9, 2000])
def test_sixteen_bits_become_eight_by_the_white_that_the_picture_has(tmp_path, white):
    values = np.array([[0, white]], np.uint16)
    found = read_picture(saved(tmp_path, "a.png", Image.fromarray(values)))
    assert found[0, 0, 0] == 0
    assert found[0, 1, 0] >= 120
    if white + 1 in (2, 256, 1024, 4096, 16384, 65536):
        assert found[0, 1, 0] == 255


@pytest.mark.parametrize("scale", [1, 255, 1023, 65535])
def test_floats_that_pass_white_by_a_little_keep_their_greys(tmp_path, scale):
    values = np.array([[-0.02, 0.5, 1, 1.02]], np.float32) * scale
    found = read_picture(saved(tmp_path, "a.tif", Image.fromarray(values)))
    np.testing.assert_array_equal(found[0, :, 0], [0, 128, 255, 255])


def test_a_dark_picture_of_values_below_1_stays_dark(tmp_path):
    values = np.array([[0, 0.01]], np.float32)
    found = read_picture(saved(tmp_path, "a.tif", Image.fromarray(values)))
    np.testing.assert_array_equal(found[0, :, 0], [0, 3])


def test_values_that_are_no_finite_numbers_do_not_spoil_the_others(tmp_path):
    values = np.array([[np.nan, -np.inf, np.inf, 0.6, 1]], np.float32)
    found = read_picture(saved(tmp_path, "a.tif", Image.fromarray(values)))
    np.testing.assert_array_equal(found[0, :, 0], [0, 0, 255, 153, 255])


def test_a_picture_of_nothing_is_black(tmp_path):
    values = np.zeros((2, 2), np.uint16)
    assert not read_picture(saved(tmp_path, "a.png", Image.fromarray(values))).any()


def test_a_photograph_of_a_rotated_camera_becomes_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned by a quarter
    path = saved(tmp_path, "a.png", Image.fromarray(COLOURS), exif=exif)
    np.testing.assert_array_equal(read_picture(path), np.rot90(COLOURS, -1))


@pytest.mark.parametrize(("ink", "ground"), [(0, 255), (255, 0)])
def test_ink_on_nothing_gets_a_ground_on_which_it_shows(tmp_path, ink, ground):
    pixels = np.zeros((4, 4, 4), np.uint8)
    pixels[1, 1] = (ink, ink, ink, 255)
    found = read_picture(saved(tmp_path, "a.png", Image.fromarray(pixels)))
    assert (found[1, 1] == ink).all()
    assert (np.delete(found.reshape(16, 3), 5, axis=0) == ground).all()


def test_grey_is_the_eyes_brightness():
    found = grey(np.array([[[255, 255, 255], [255, 0, 0], [0, 255, 0], [7, 7, 7]]], np.uint8))
    np.testing.assert_array_equal(found, [[255, 76, 150, 7]])


def png_that_promises(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def png_of(image: Image.Image) -> bytes:
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "found an empty file", id="empty"),
        pytest.param(
            b"dear diary", r"expected an image \(PNG, JPEG.*found something else", id="text"
        ),
        pytest.param(b"<html>", "found a web page", id="web page"),
        pytest.param(b"\x89PNG\r\n\x1a\n", "found", id="only a signature"),
        pytest.param(png_of(Image.fromarray(COLOURS))[:-30], "found a damaged one", id="truncated"),
        pytest.param(png_that_promises(8193, 8192), "pixels, found 8,193 × 8,192", id="large"),
        pytest.param(png_that_promises(20000, 20000), "67 million pixels, found more", id="bomb"),
    ],
)
def test_what_is_no_picture_is_refused_before_it_is_unpacked(tmp_path, content, message):
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(MalformedError, match=message):
        read_picture(path)


def test_a_folder_and_a_missing_file_are_refused(tmp_path):
    with pytest.raises(MalformedError, match="is a folder without pictures"):
        read_picture(tmp_path)
    with pytest.raises(MalformedError, match="no such file"):
        read_picture(tmp_path / "gone.png")


def test_a_missing_picture_is_told_with_those_of_similar_names(tmp_path):
    for name in ("digit.png", "other.png", "digit.yaml"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(MalformedError) as refused:
        read_picture(tmp_path / "digti.png")
    assert str(refused.value) == f"no such file; did you mean {tmp_path / 'digit.png'}?"
    with pytest.raises(MalformedError, match=r"^no such file$"):
        read_picture(tmp_path / "gone" / "digit.png")
