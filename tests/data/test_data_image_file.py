"""Training images in file formats other than PNG."""

import io

import numpy as np
import pytest
from own_files_helpers import SMALL, assert_same, open_own, refusal, write_png
from PIL import Image

from mnistlab.data.files import MalformedError
from mnistlab.data.image_file import KINDS, read_image

GREY = np.arange(0, 255, 3, dtype=np.uint8).reshape(5, 17)
LOSSLESS = {"bmp": {}, "gif": {}, "tif": {}, "tiff": {"compression": "tiff_lzw"}}
LOSSLESS["webp"] = {"lossless": True}


def saved(path, image, **options):
    image.save(path, **options)
    return path


@pytest.mark.parametrize("ending", LOSSLESS)
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_grey_pixels_are_the_same_in_every_lossless_kind(ending, mode, tmp_path):
    image = Image.fromarray(GREY).convert(mode)
    path = saved(tmp_path / f"a.{ending}", image, **LOSSLESS[ending])
    np.testing.assert_array_equal(read_image(path), GREY)


@pytest.mark.parametrize("ending", ["jpg", "jpeg", "JPG", "webp"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_grey_pixels_are_nearly_the_same_in_a_kind_that_loses_some(ending, mode, tmp_path):
    path = saved(tmp_path / f"a.{ending}", Image.fromarray(GREY).convert(mode), quality=95)
    assert np.abs(read_image(path).astype(int) - GREY).max() < 20


def test_the_first_of_several_pictures_is_read(tmp_path):
    frames = [Image.fromarray(GREY), Image.fromarray(255 - GREY)]
    for ending in ("gif", "tif"):
        path = saved(tmp_path / f"a.{ending}", frames[0], save_all=True, append_images=frames[1:])
        np.testing.assert_array_equal(read_image(path), GREY)


def test_an_image_tagged_as_rotated_becomes_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = saved(tmp_path / "a.webp", Image.fromarray(GREY), lossless=True, exif=exif)
    np.testing.assert_array_equal(read_image(path), np.rot90(GREY, -1))


def bytes_of(image, kind, **options):
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


COLOURED = Image.fromarray(np.dstack([GREY, GREY, np.full_like(GREY, 90)]))
TRANSPARENT = Image.fromarray(np.dstack([GREY, GREY]), "LA")
WRONG = {
    "no image": ("jpg", b"no image", "expected a JPEG file, found 6e 6f"),
    "empty": ("gif", b"", "expected a GIF file, found an empty file"),
    "another kind": ("tif", bytes_of(COLOURED, "PNG"), "expected a TIFF file, found a PNG image"),
    "coloured JPEG": ("jpg", bytes_of(COLOURED, "JPEG"), "expected grey pixels, found coloured"),
    "coloured BMP": ("bmp", bytes_of(COLOURED, "BMP"), "expected grey pixels, found coloured"),
    "transparent": ("webp", bytes_of(TRANSPARENT, "WEBP"), "expected opaque pixels"),
    "16 bits": ("tif", bytes_of(Image.fromarray(GREY.astype(np.uint16)), "TIFF"), "found 16"),
    "floats": ("tif", bytes_of(Image.fromarray(GREY.astype(np.float32)), "TIFF"), "found 32"),
    "too large": ("bmp", bytes_of(Image.new("L", (1025, 1)), "BMP"), "found 1 × 1,025"),
    **{
        f"half a {kind}": (kind, bytes_of(Image.fromarray(GREY), name)[:-30], "found")
        for kind, name in (("jpg", "JPEG"), ("bmp", "BMP"), ("webp", "WEBP"), ("tif", "TIFF"))
    },
}


@pytest.mark.parametrize("name", WRONG)
def test_an_image_that_cannot_be_read_is_refused(name, tmp_path):
    ending, content, told = WRONG[name]
    path = tmp_path / f"a.{ending}"
    path.write_bytes(content)
    with pytest.raises(MalformedError, match=told):
        read_image(path)


def test_a_folder_of_images_of_several_kinds_is_read_whole(tmp_path):
    folder = write_png(tmp_path / "own", SMALL)
    endings = [ending for ending in KINDS if ending not in (".jpg", ".jpeg", ".webp")]
    for number, path in enumerate(sorted(folder.rglob("*.png"))):
        ending = endings[number % len(endings)]
        with Image.open(path) as image:
            image.save(path.with_suffix(ending.upper() if number % 2 else ending))
        if path.with_suffix(ending) != path or number % 2:
            path.unlink()
    assert_same(open_own("png", folder), SMALL)


def test_an_image_that_cannot_be_read_is_named(tmp_path):
    folder = write_png(tmp_path / "own", SMALL)
    wrong = folder / "train" / "1" / "img_4.jpeg"
    wrong.write_bytes(b"no image")
    assert refusal("png", folder).startswith(f"{wrong}: expected a JPEG file, found 6e 6f")
