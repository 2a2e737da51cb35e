"""The `png` source: PATH/train/<label>/*.png and PATH/test/<label>/*.png, or other formats.

Images are in natural order of their names across all labels (img_2 before img_10), so that names
with an index keep the original order; equal names are in order of label. A folder's name is the
label, a number, or the name of the class: labels are then numbered in alphabetical order.
"""

import json
import logging
import os
import sys
import warnings
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mnistlab.data.arrays import Arrays, Bytes
from mnistlab.data.files import MalformedError, check_memory, size_and_times
from mnistlab.data.image_file import KINDS, read_image
from mnistlab.data.own_files import (
    ADVICE,
    check_agreement,
    check_size,
    list_folder,
    natural_order,
    one_of_each,
)
from mnistlab.data.png import OtherSizeError
from mnistlab.data.source_kinds import OwnFiles
from mnistlab.support.errors import DataError, data_error
from mnistlab.support.whole_numbers import whole_number

PARTS = ("train", "test")
MAX_LABEL = 255
EXPECTED = "folders named by label"
CHUNK_FILES = 512
logger = logging.getLogger("mnistlab")


class Picture(NamedTuple):
    """A file of one image; `state` is a cheap check that it is unchanged."""

    path: str
    label: int
    state: tuple[int, int, int]  # see size_and_times


def find_files(folder: Path) -> dict[str, list[Picture]]:
    """The images of `train` and of `test` (in any case), in their order.

    Warns, in one line, of ignored files, by suffix. Raises DataError that names the folder if one
    is missing, ambiguous, misnamed or empty.
    """
    try:
        left_out: Counter[str] = Counter()
        folders = _find_parts(folder)
        labels = _named_labels(folders)
        parts = {part: _find_part(path, labels, left_out) for part, path in folders.items()}
    except OSError as error:
        raise data_error(f"{error.filename}: cannot be read ({error.strerror})", error) from error
    if left_out:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(left_out.items()))
        logger.warning(
            "%s: left out, as no images of a label: %s; read is %s", folder, kinds, _endings()
        )
    return parts


def _endings() -> str:
    return ", ".join(f"*{ending}" for ending in KINDS)


def _ending(name: str) -> str:
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 - 70,000 Path objects take a second


def _find_parts(folder: Path) -> dict[str, Path]:
    parts: dict[str, dict[str, Path]] = {part: {} for part in PARTS}
    for path in list_folder(folder, "a folder of train/<label>/*.png and test/<label>/*.png"):
        if path.name.lower() in parts and path.is_dir():
            parts[path.name.lower()][path.name] = path
    named = "folder named {}".format
    return one_of_each(folder, parts, lambda part: (f"a {named(part)}", named(part)))


def _find_part(
    part: Path, labels: Mapping[str, int] | None, left_out: Counter[str]
) -> list[Picture]:
    """The images of a part, in order. `labels` are those of named folders."""
    folders: dict[int, Path] = {}
    for path in _folders(part):
        label = whole_number(path.name, MAX_LABEL) if labels is None else labels[path.name]
        if label is None:
            raise DataError(
                f"{path}: expected a folder named by a label, 0 to {MAX_LABEL}, as the others are"
            )
        if other := folders.get(label):
            raise DataError(f"{path}: expected one folder of a label, found {other.name} too")
        folders[label] = path
    for path in list_folder(part, EXPECTED):
        if not path.is_dir() and _ending(path.name) in KINDS:
            left_out[f"{_ending(path.name)} outside the folders of labels"] += 1
    found = [picture for label, path in folders.items() for picture in _scan(path, label, left_out)]
    return sorted(found, key=_natural)


def _folders(part: Path) -> list[Path]:
    """The folders of a part, by name; raises DataError if there is none."""
    folders = [path for path in list_folder(part, EXPECTED) if path.is_dir()]
    if not folders:
        raise DataError(f"{part}: expected folders named by label, found none")
    return folders


def _named_labels(parts: Mapping[str, Path]) -> dict[str, int] | None:
    """The label of each named folder: its place in the alphabet. None if a name is a number.

    Raises DataError if the test images have a class that the training images lack.
    """
    names = {part: [path.name for path in _folders(path)] for part, path in parts.items()}
    if any(whole_number(name, sys.maxsize) is not None for one in names.values() for name in one):
        return None
    train, test = (names[part] for part in PARTS)
    if strange := [name for name in test if name not in train]:
        raise DataError(
            f"{parts['test'] / strange[0]}: expected the name of a folder in {parts['train']}: "
            f"{', '.join(train[:10])}"
        )
    if unprintable := [name for name in train if not name.isprintable()]:
        raise DataError(f"{parts['train']}: expected printable names, found {unprintable[0]!r}")
    if len(train) > MAX_LABEL + 1:
        raise DataError(
            f"{parts['train']}: expected at most {MAX_LABEL + 1} folders, found {len(train):,}"
        )
    return {name: label for label, name in enumerate(train)}


def class_names(parts: dict[str, list[Picture]]) -> tuple[str, ...] | None:
    """The names of the folders by label; None if they are numbers."""
    # One picture is enough to know the folder of its label.
    firsts = {picture.label: picture for pictures in parts.values() for picture in pictures}
    names = [Path(firsts[label].path).parent.name for label in sorted(firsts)]
    return None if whole_number(names[0], sys.maxsize) is not None else tuple(names)


def _scan(folder: Path, label: int, left_out: Counter[str]) -> list[Picture]:
    pictures = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if _ending(entry.name) in KINDS:
                pictures.append(Picture(entry.path, label, size_and_times(entry.stat())))
            elif entry.is_dir():
                left_out["folder within a label's"] += 1
            else:
                left_out[_ending(entry.name) or "without an ending"] += 1
    if not pictures:
        raise DataError(f"{folder}: expected images ({_endings()}), found none")
    return pictures


def _natural(picture: Picture) -> tuple[list[str | int], int, str]:
    """The sort key: the name with its runs of digits as numbers, then the label."""
    name = os.path.basename(picture.path)  # noqa: PTH119 - 70,000 Path objects take a second
    return natural_order(name[: -len(_ending(name))]), picture.label, name


def read_folder(parts: dict[str, list[Picture]]) -> Arrays:
    """The four arrays, from the images of both parts: all of one size, at least two labels.

    Raises DataError that names the first file that is damaged or differs from the first in size,
    and then that one, too: either may be the one that is wrong.
    """
    pictures = [picture for part in PARTS for picture in parts[part]]
    first = _read(pictures[0], None)
    try:
        check_size(len(pictures), *first.shape)
        check_memory(len(pictures) * first.size)
    except MalformedError as error:
        raise DataError(f"{Path(pictures[0].path).parents[2]}: {error}") from error
    images = np.empty((len(pictures), *first.shape), dtype=np.uint8)
    labels = np.array([picture.label for picture in pictures], dtype=np.uint8)

    def decode(start: int) -> None:
        for place in range(start, min(start + CHUNK_FILES, len(pictures))):
            try:
                images[place] = _read(pictures[place], first.shape)
            except OtherSizeError as error:
                raise DataError(
                    f"{pictures[place].path}: {error}; the first one is {pictures[0].path}; "
                    f"{ADVICE}"
                ) from error

    with warnings.catch_warnings(), ThreadPoolExecutor() as pool:
        warnings.simplefilter("ignore")  # decoders warn of images that they can still decode
        # In order, so that the first error is reported; tasks that have not begun are cancelled.
        for _ in pool.map(decode, range(0, len(pictures), CHUNK_FILES)):
            pass
    border = len(parts["train"])
    arrays = Arrays(images[:border], labels[:border], images[border:], labels[border:])
    folders = {part: str(Path(parts[part][0].path).parents[1]) for part in PARTS}
    check_agreement(arrays, {role: folders[role.split("_")[0]] for role in Arrays._fields})
    return arrays


def _read(picture: Picture, shape: tuple[int, ...] | None) -> Bytes:
    try:
        return read_image(Path(picture.path), shape)
    except OtherSizeError:
        raise
    except MalformedError as error:
        raise DataError(f"{picture.path}: {error}; {ADVICE}") from error


SOURCE = OwnFiles(
    name="png",
    description="PNG or other images of your own, in a folder for each label",
    find=find_files,
    read=read_folder,
    identity=json.dumps,
    names=class_names,
)
