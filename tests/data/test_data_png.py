"""The `png` source."""

import shutil
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
    assert_same,
    open_own,
    png_bytes,
    png_chunk,
    refusal,
    write_png,
)
from PIL import Image

from mnistlab.data import png
from mnistlab.data.files import MalformedError
from mnistlab.data.png import read_png
from mnistlab.support.errors import DataError

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


def test_images_are_in_natural_order_of_their_names_across_all_labels(tmp_path):
    names = {
        "3": ["img_2", "img_10", "b1"],
        "11": ["img_1", "img_9", "7", "b"],
        "0": ["img_100", "img_010", "IMG_5"],
    }
    order = ["7", "IMG_5", "b", "b1", "img_1", "img_2", "img_9", "img_010", "img_10", "img_100"]
    for label, stems in names.items():
        for stem in stems:
            for part in ("Train", "TEST"):
                path = tmp_path / "own" / part / label / f"{stem}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                pixel = np.full((1, 1), order.index(stem), dtype=np.uint8)
                Image.fromarray(pixel).save(path)
    source = open_own("png", tmp_path / "own")
    assert source.train_images.ravel().tolist() == list(range(10))
    label_of = {stem: int(label) for label, stems in names.items() for stem in stems}
    assert source.train_labels.tolist() == [label_of[stem] for stem in order]
    assert source.class_names == tuple(str(label) for label in range(12))
    np.testing.assert_array_equal(source.test_images, source.train_images)


def named_folders(folder, train=("cat", "ant", "bee"), test=("ant", "cat")):
    for part, names in (("train", train), ("test", test)):
        for number, name in enumerate(names):
            (folder / part / name).mkdir(parents=True)
            pixels = np.full((4, 4), number, np.uint8)
            Image.fromarray(pixels).save(folder / part / name / f"{name}_1.png")
    return folder


def test_named_folders_are_classes_in_alphabetical_order(tmp_path):
    source = open_own("png", named_folders(tmp_path))
    assert source.class_names == ("ant", "bee", "cat")
    assert source.train_labels.tolist() == [0, 1, 2]
    assert source.test_labels.tolist() == [0, 2]
    assert source.train_images[:, 0, 0].tolist() == [1, 2, 0]


@pytest.mark.parametrize(
    ("train", "test", "told"),
    [
        (("ant", "bee"), ("ant", "cow"), r"test/cow: expected the name of a folder in .*ant, bee"),
        (("ant", "7"), ("ant",), r"train/ant: expected a folder named by a label"),
        (("ant", "b\x1bee"), ("ant",), r"expected printable names, found 'b\\x1bee'"),
    ],
)
def test_named_folders_that_are_no_classes_are_refused(tmp_path, train, test, told):
    with pytest.raises(DataError, match=told):
        open_own("png", named_folders(tmp_path, train, test))


def test_equal_names_are_in_order_of_label(tmp_path):
    for part in ("train", "test"):
        for label in (10, 2, 0):
            for stem in ("1", "2"):
                path = tmp_path / part / str(label) / f"{stem}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(SOUND)
    assert open_own("png", tmp_path).train_labels.tolist() == [0, 2, 10, 0, 2, 10]


def test_hidden_and_other_files_are_ignored_and_the_others_reported(tmp_path, caplog):
    folder = write_png(tmp_path / "own", SMALL)
    label = folder / "train" / "1"
    for name in (".DS_Store", "._img_4.png", "notes.txt", "img_4.HEIC", "img_5.heic"):
        (label / name).write_bytes(b"no image")
    (folder / "train" / "labels.csv").write_text("label")
    (folder / "train" / ".ipynb_checkpoints").mkdir()
    (folder / "validation").mkdir()
    (label / "img_4.png").rename(label / "img_4.PNG")
    (label / "more").mkdir()
    (folder / "train" / "img_9.png").write_bytes(SOUND)
    assert_same(open_own("png", folder), SMALL)
    assert [record.getMessage() for record in caplog.records] == [
        f"{folder}: left out, as no images of a label: 2 .heic, 1 .png outside the folders of "
        "labels, 1 .txt, 1 folder within a label's; read is *.png, *.jpg, *.jpeg, *.bmp, *.gif, "
        "*.tif, *.tiff, *.webp"
    ]


def copy(source: Path, to: str) -> None:
    shutil.copytree(source, source.parent / to)


# The change to the folder, the named folder or file, and a part of the message.
MISPLACED = {
    "the training part is missing": (
        lambda f: shutil.rmtree(f / "train"),
        ".",
        "a folder named train",
    ),
    "the test part is missing": (lambda f: shutil.rmtree(f / "test"), ".", "a folder named test"),
    "a part is there twice": (lambda f: copy(f / "test", "Test"), ".", "found Test, test"),
    "a label is no number": (lambda f: copy(f / "test/2", "two"), "test/two", "a label, 0 to 255"),
    "a label is too large": (lambda f: copy(f / "test/2", "256"), "test/256", "a label, 0 to 255"),
    "a label is negative": (lambda f: copy(f / "test/2", "-1"), "test/-1", "a label, 0 to 255"),
    "a label is there twice": (lambda f: copy(f / "test/2", "02"), "test/2", "found 02 too"),
    "a part has no labels": (
        lambda f: [shutil.rmtree(path) for path in (f / "test").iterdir()],
        "test",
        "expected folders named by label, found none",
    ),
    "a label has no images": (
        lambda f: [path.rename(path.with_suffix(".txt")) for path in (f / "test/2").iterdir()],
        "test/2",
        "expected images (*.png, *.jpg, *.jpeg, *.bmp, *.gif, *.tif, *.tiff, *.webp), found none",
    ),
    "an image is a folder": (lambda f: (f / "test/2/a.png").mkdir(), "test/2/a.png", "a folder"),
    "an image is a link to nothing": (
        lambda f: (f / "test/2/a.png").symlink_to("nothing"),
        "test/2/a.png",
        "cannot be read",
    ),
}


@pytest.mark.parametrize("name", MISPLACED)
def test_a_folder_is_named_when(name, tmp_path):
    change, named, told = MISPLACED[name]
    folder = write_png(tmp_path / "own", SMALL)
    change(folder)
    message = refusal("png", folder)
    assert message.startswith(f"{folder / named}: ")
    assert told in message


def test_the_first_of_many_wrong_images_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("mnistlab.data.sources.png.CHUNK_FILES", 2)
    folder = write_png(tmp_path / "own", SMALL)
    for index in range(3, 12):
        (folder / "train" / str(index % 3) / f"img_{index}.png").write_bytes(b"")
    assert refusal("png", folder).startswith(f"{folder / 'train/0/img_3.png'}: ")


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
