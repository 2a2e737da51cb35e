"""Shared by all sources of the user's own files, in any format."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from mnistlab.data.arrays import Arrays
from mnistlab.data.files import MAX_BYTES, MalformedError
from mnistlab.support.errors import DataError, data_error

ADVICE = "repair or replace the file"
MAX_SIDE = 1024


def natural_order(name: str) -> list[str | int]:
    """The sort key of a name: its runs of digits are numbers, so 2 comes before 10."""
    # Text and digits alternate, text first, so that equal kinds are compared.
    return [int(p) if at % 2 else p for at, p in enumerate(re.split(r"([0-9]+)", name))]


def list_folder(folder: Path, expected: str) -> list[Path]:
    """The folder's entries by name; hidden files (.DS_Store, ._1.png) are left out.

    Raises DataError, with what was expected, if there is no such folder.
    """
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except (OSError, ValueError) as error:  # ValueError: an impossible file name
        reason = getattr(error, "strerror", None) or error
        raise data_error(f"{folder}: expected {expected} ({reason})", error) from error


def one_of_each(
    folder: Path,
    candidates: Mapping[str, Mapping[str, Path]],
    expectation: Callable[[str], tuple[str, str]],
) -> dict[str, Path]:
    """The only candidate for each part of a dataset. `expectation` says what is expected, for a
    missing part and for one with several candidates.

    Raises DataError with every part that has none, or several.
    """
    errors = []
    for part, found in candidates.items():
        missing, doubled = expectation(part)
        names = ", ".join(path.name for path in found.values())
        if not found:
            errors.append(f"{folder}: expected {missing}, found none; add it")
        elif len(found) > 1:
            errors.append(f"{folder}: expected one {doubled}, found {names}; leave one")
    if errors:
        raise DataError(*errors)
    return {part: next(iter(found.values())) for part, found in candidates.items()}


def check_size(count: int, height: int, width: int) -> None:
    """Raise MalformedError for images that are implausibly large or many; allocates nothing."""
    if not (1 <= height <= MAX_SIDE and 1 <= width <= MAX_SIDE):
        raise MalformedError(
            f"expected images of 1 × 1 to {MAX_SIDE} × {MAX_SIDE} pixels, "
            f"found {height:,} × {width:,}"
        )
    if count * height * width > MAX_BYTES:
        raise MalformedError(
            f"expected at most {MAX_BYTES:,} pixels in all, "
            f"found {count:,} images of {height} × {width}"
        )


def check_agreement(arrays: Arrays, places: Mapping[str, str]) -> None:
    """Raise DataError unless every image has a label, all have one size, and there are at least two
    classes. `places` says where each of the arrays was read from.
    """
    for split, images, labels in (("train", *arrays[:2]), ("test", *arrays[2:])):
        if len(images) != len(labels):
            raise DataError(
                f"{places[f'{split}_labels']}: expected {len(images):,} labels, one for each image "
                f"of {Path(places[f'{split}_images']).name}, found {len(labels):,}; {ADVICE}"
            )
        try:
            check_size(*images.shape)
        except MalformedError as error:
            raise DataError(f"{places[f'{split}_images']}: {error}; {ADVICE}") from error
    train_shape, test_shape = arrays.train_images.shape[1:], arrays.test_images.shape[1:]
    if train_shape != test_shape:
        raise DataError(
            f"{places['test_images']}: expected images of {train_shape[0]} × {train_shape[1]} "
            f"pixels, as the training set's, found {test_shape[0]} × {test_shape[1]}; {ADVICE}"
        )
    if max(int(arrays.train_labels.max()), int(arrays.test_labels.max())) == 0:
        raise DataError(
            f"{places['train_labels']}: expected labels of two classes or more, "
            f"found only the label 0; {ADVICE}"
        )
