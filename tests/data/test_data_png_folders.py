"""Folders of PNG files: which images they have, in which order, and what is misplaced in them."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from own_files_helpers import (
    SMALL,
    assert_same,
    open_own,
    refusal,
    write_png,
)
from PIL import Image
from test_data_png import SOUND

from mnistlab.support.errors import DataError


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


def test_of_two_sizes_both_images_are_named_as_either_may_be_wrong(tmp_path):
    folder = write_png(tmp_path / "own", SMALL)
    first = folder / "train" / "1" / "a.png"
    Image.fromarray(np.zeros((3, 5), np.uint8)).save(first)
    told = refusal("png", folder)
    assert "expected an image of 3 × 5 pixels, as the first one, found 5 × 5" in told
    assert f"the first one is {first}; " in told


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
