"""The `idx` source: a folder of four IDX files of the user's own, of any image size."""

import re
from pathlib import Path

from mnistlab.data.arrays import Arrays
from mnistlab.data.files import MalformedError
from mnistlab.data.idx import KINDS, read_idx
from mnistlab.data.known_files import STEMS
from mnistlab.data.own_files import ADVICE, check_agreement, list_folder, one_of_each
from mnistlab.data.source import identity
from mnistlab.data.source_kinds import OwnFiles
from mnistlab.support.errors import DataError

# MNIST's file names in all spellings, and those of its relatives (EMNIST adds a prefix).
NAME = re.compile(
    r"(?:.*[-_.])?(?P<split>train|t10k|test)[-_.](?P<kind>images|labels)"
    r"(?:[-_.]idx[13])?(?:[-_.]ubyte)?(?:\.idx)?(?:\.gz)?",
    re.IGNORECASE,
)


def find_files(folder: Path) -> dict[str, Path]:
    """The four files by role (`train_images`, …); a plain file is preferred to the same one
    gzipped.

    Raises DataError if the folder or a file is missing, or if two files could be the same one.
    """
    candidates: dict[str, dict[str, Path]] = {role: {} for role in STEMS}
    for path in list_folder(folder, "a folder of four IDX files"):
        if match := NAME.fullmatch(path.name):
            split = "train" if match["split"].lower() == "train" else "test"
            role = f"{split}_{match['kind'].lower()}"
            # When sorted, `name` comes before `name.gz`; the first is kept.
            candidates[role].setdefault(path.name.lower().removesuffix(".gz"), path)
    return one_of_each(folder, candidates, _in_words)


def _in_words(role: str) -> tuple[str, str]:
    dimensions = 3 if role.endswith("images") else 1
    name = f"{STEMS[role]}-idx{dimensions}-ubyte"
    return f"a file named like {name} (or {name}.gz)", f"file of {role.replace('_', ' ')}"


def read_folder(paths: dict[str, Path]) -> Arrays:
    """The four arrays, from files by role: images of one size, a label each, at least two labels.

    Raises DataError that names the file.
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
    check_agreement(decoded, {role: str(path) for role, path in paths.items()})
    return decoded


SOURCE = OwnFiles(
    name="idx",
    description="four IDX files of your own",
    find=find_files,
    read=read_folder,
    identity=identity,
)
