"""The `pickle` source: mnist.pkl.gz of deeplearning.net, gzipped or not, read without unpickling.

A tuple of (images, labels) pairs: training, validation and test, or training and test. The
validation images follow the training images, so that `data.validation: auto` sets them aside.
Images are (n, pixels), square, or (n, height, width); labels are (n,).
"""

import math
from pathlib import Path
from typing import Any

import numpy as np

from mnistlab.data.arrays import Arrays, Bytes
from mnistlab.data.files import MAX_BYTES, MalformedError, check_memory, unpacked
from mnistlab.data.own_files import ADVICE, check_agreement, list_folder
from mnistlab.data.pickled_arrays import read_pickled
from mnistlab.data.source import identity
from mnistlab.data.source_kinds import OwnFiles
from mnistlab.support.errors import DataError, data_error

EXPECTED = "a pickle of (images, labels) pairs, such as mnist.pkl.gz"
SUFFIXES = (".pkl", ".pkl.gz", ".pickle", ".pickle.gz")
# mnist.pkl.gz has pixels of byte / 256; others have byte / 255.
LEVELS = (256, 255)
CHUNK_IMAGES = 1000


def find_file(path: Path) -> Path:
    """The file: `path` itself, or the only pickle in a folder. Raises DataError otherwise."""
    try:
        is_folder, is_there = path.is_dir(), path.exists()
    except OSError as error:
        raise data_error(f"{path}: cannot be read ({error.strerror})", error) from error
    if not is_there:
        raise DataError(f"{path}: expected {EXPECTED}, found nothing there")
    if not is_folder:
        return path
    found = [one for one in list_folder(path, EXPECTED) if one.name.lower().endswith(SUFFIXES)]
    if len(found) != 1:
        names = ", ".join(file.name for file in found) or "none"
        raise DataError(f"{path}: expected one file of {', '.join(SUFFIXES)}, found {names}")
    return found[0]


def read_file(path: Path) -> Arrays:
    """The four arrays. Raises DataError that names the file."""
    try:
        with unpacked(path, EXPECTED) as (stream, most):
            parts = read_pickled(stream, min(most, MAX_BYTES))  # type: ignore[arg-type]
        arrays = _as_arrays(parts)
    except MalformedError as error:
        raise DataError(f"{path}: {error}; {ADVICE}") from error
    except MemoryError as error:
        raise DataError(f"{path}: needs more memory than there is") from error
    places = {role: f"{path}: {role.replace('_', ' ')}" for role in arrays._fields}
    check_agreement(arrays, places)
    return arrays


def _as_arrays(parts: list[Any]) -> Arrays:
    pairs = [part for part in parts if isinstance(part, list) and len(part) == 2]
    if len(parts) not in (2, 3) or len(pairs) < len(parts):
        raise MalformedError("expected two or three (images, labels) pairs, found something else")
    if any(not isinstance(one, np.ndarray) for pair in pairs for one in pair):
        raise MalformedError("expected pairs of two arrays, found something else")
    factor = _factor([pair[0] for pair in pairs])
    images = [_images(pair[0], factor) for pair in pairs]
    labels = [_labels(pair[1]) for pair in pairs]
    if len({one.shape[1:] for one in images}) > 1:
        raise MalformedError("expected images of one size in all parts, found several sizes")
    for number, (some, their) in enumerate(zip(images, labels, strict=True), 1):
        if len(some) != len(their):
            raise MalformedError(
                f"pair {number}: expected {len(some):,} labels, one for each image, found "
                f"{len(their):,}"
            )
    return Arrays(np.concatenate(images[:-1]), np.concatenate(labels[:-1]), images[-1], labels[-1])


def _images(values: np.ndarray, factor: int) -> Bytes:
    """Pixels times `factor`, as uint8 (n, height, width)."""
    shape = values.shape
    if len(shape) == 2:
        side = math.isqrt(shape[1])
        shape = (shape[0], side, side) if side * side == shape[1] else shape
    if len(shape) != 3 or 0 in shape:
        raise MalformedError(
            f"expected images of shape (n, height, width), or (n, pixels) of a square, found "
            f"{values.shape}"
        )
    check_memory(values.size)
    flat = values.reshape(len(values), -1)
    made = np.empty(flat.shape, np.uint8)
    for start in range(0, len(flat), CHUNK_IMAGES):
        some = slice(start, start + CHUNK_IMAGES)
        made[some] = _whole(flat[some].astype(np.float64) * factor, "pixels")
    return made.reshape(shape)


def _factor(parts: list[np.ndarray]) -> int:
    """What the pixels are multiplied by to be bytes: 1, or the level that they are multiples of."""
    highest = np.max([part.max(initial=0) for part in parts])
    # Pixels that are no numbers are refused later.
    if not highest <= 1 or not all(part.dtype.kind == "f" for part in parts):
        return 1
    some = np.concatenate([part[:CHUNK_IMAGES].astype(np.float64).ravel() for part in parts])
    # A pixel of 1 is no byte / 256.
    levels = [level for level in LEVELS if highest * level < LEVELS[0] - 0.5]
    off = [np.abs(some * level - np.rint(some * level)).max(initial=0) for level in levels]
    return levels[int(np.argmin(off))]


def _labels(values: np.ndarray) -> Bytes:
    if values.ndim != 1 or len(values) == 0:
        raise MalformedError(f"expected labels of shape (n,), found {values.shape}")
    return _whole(values.astype(np.float64), "labels")


def _whole(values: np.ndarray, what: str) -> Bytes:
    """Values as uint8; float32 pixels may be off by its rounding."""
    whole = np.rint(values)
    allowed = (whole >= 0) & (whole <= 255) & (np.abs(values - whole) < 1e-3)
    if not allowed.all():
        found = values[~allowed].flat[0]
        raise MalformedError(f"expected {what} of whole numbers of 0 to 255, found {found:g}")
    return whole.astype(np.uint8)


SOURCE = OwnFiles(
    name="pickle",
    description="mnist.pkl.gz of deeplearning.net, read without unpickling",
    find=find_file,
    read=read_file,
    identity=lambda file: identity({"file": file}),
)
