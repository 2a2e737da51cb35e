"""The `idx` source: a folder of four IDX files of the user's own, of any image size."""

import re
from pathlib import Path

from mnistlab.data.arrays import Arrays
from mnistlab.data.idx import KINDS, MalformedError, read_idx
from mnistlab.data.registry import STEMS
from mnistlab.errors import DataError

# MNIST's names in all their spellings, and those of its relatives (EMNIST puts a prefix before).
NAME = re.compile(
    r"(?:.*[-_.])?(?P<split>train|t10k|test)[-_.](?P<kind>images|labels)"
    r"(?:[-_.]idx[13])?(?:[-_.]ubyte)?(?:\.idx)?(?:\.gz)?",
    re.IGNORECASE,
)
ADVICE = "mend or replace the file"


def find_files(folder: Path) -> dict[str, Path]:
    """The four files by role (`train_images`, …); a plain file before the same one gzipped.

    Raises DataError when the folder, or a file, is missing, or two files could be the same one.
    """
    try:
        present = sorted(folder.iterdir())
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{folder}: expected a folder of four IDX files ({reason})") from error
    candidates: dict[str, dict[str, Path]] = {role: {} for role in STEMS}
    for path in present:
        if match := NAME.fullmatch(path.name):
            split = "train" if match["split"].lower() == "train" else "test"
            role = f"{split}_{match['kind'].lower()}"
            # Sorted, `name` comes before `name.gz`, and the first is kept.
            candidates[role].setdefault(path.name.lower().removesuffix(".gz"), path)
    unclear = (_unclear(folder, role, found) for role, found in candidates.items())
    errors = [message for message in unclear if message]
    if errors:
        raise DataError(*errors)
    return {role: next(iter(found.values())) for role, found in candidates.items()}


def _unclear(folder: Path, role: str, found: dict[str, Path]) -> str | None:
    if not found:
        dimensions = 3 if role.endswith("images") else 1
        name = f"{STEMS[role]}-idx{dimensions}-ubyte"
        return f"{folder}: expected a file named like {name} (or {name}.gz), found none; add it"
    if len(found) > 1:
        names = ", ".join(path.name for path in found.values())
        what = role.replace("_", " ")
        return f"{folder}: expected one file of {what}, found {names}; leave one in the folder"
    return None


def read_folder(paths: dict[str, Path]) -> Arrays:
    """The four arrays, from files by role: images of one size, a label each, two labels or more.

    Raises DataError, naming the file.
    """
    arrays, errors = {}, []
    for role, path in paths.items():
        dimensions = next(n for n, kind in KINDS.items() if role.endswith(kind))
        try:
            arrays[role] = read_idx(path, dimensions)
        except MalformedError as error:
            errors.append(f"{path}: {error}; {ADVICE}")
    if errors:
        raise DataError(*errors)
    decoded = Arrays(**arrays)
    _check_agreement(decoded, paths)
    return decoded


def _check_agreement(arrays: Arrays, paths: dict[str, Path]) -> None:
    for split, images, labels in (("train", *arrays[:2]), ("test", *arrays[2:])):
        if len(images) != len(labels):
            raise DataError(
                f"{paths[f'{split}_labels']}: expected {len(images):,} labels, one for each image "
                f"of {paths[f'{split}_images'].name}, found {len(labels):,}; {ADVICE}"
            )
    train_shape, test_shape = arrays.train_images.shape[1:], arrays.test_images.shape[1:]
    if train_shape != test_shape:
        raise DataError(
            f"{paths['test_images']}: expected images of {train_shape[0]} × {train_shape[1]} "
            f"pixels, as the training set's, found {test_shape[0]} × {test_shape[1]}; {ADVICE}"
        )
    if max(int(arrays.train_labels.max()), int(arrays.test_labels.max())) == 0:
        raise DataError(
            f"{paths['train_labels']}: expected labels of two classes or more, "
            f"found the label 0 alone; {ADVICE}"
        )
