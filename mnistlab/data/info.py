"""What is in a source, and which datasets there are."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from mnistlab.data.arrays import Bytes
from mnistlab.data.moments import pixel_moments
from mnistlab.data.registry import DIGITS_DESCRIPTION, KNOWN, locate
from mnistlab.data.sources import Source, open_source
from mnistlab.support.errors import DataError

Status = Literal["bundled", "present", "absent", "incomplete", "damaged"]


@dataclass(frozen=True)
class SplitInfo:
    """One part of a source; `mean` and `std` are of all its pixels, 0 to 255."""

    count: int
    per_class: tuple[int, ...]
    mean: float
    std: float


@dataclass(frozen=True)
class SourceInfo:
    """What a source holds; `image_shape` is (height, width)."""

    name: str
    sha256: str
    image_shape: tuple[int, int]
    class_names: tuple[str, ...]
    train: SplitInfo
    test: SplitInfo


@dataclass(frozen=True)
class Listing:
    """A dataset known by name: where it lies or would lie, and in what state.

    `path` is None for what is bundled; `bytes` is the size of the files found; `problem` says what
    is wrong with a dataset that is incomplete or damaged.
    """

    name: str
    description: str
    status: Status
    path: Path | None
    bytes: int
    problem: str | None = None


def describe(source: Source) -> SourceInfo:
    """Counts, pixel statistics and digest of a source; `dataclasses.asdict` makes it plain."""
    height, width = source.train_images.shape[1:]
    classes = len(source.class_names)
    return SourceInfo(
        name=source.name,
        sha256=source.sha256,
        image_shape=(height, width),
        class_names=source.class_names,
        train=_describe_split(source.train_images, source.train_labels, classes),
        test=_describe_split(source.test_images, source.test_labels, classes),
    )


def _describe_split(images: Bytes, labels: Bytes, classes: int) -> SplitInfo:
    per_class = tuple(int(count) for count in np.bincount(labels, minlength=classes))
    return SplitInfo(len(labels), per_class, *pixel_moments(images))


def list_datasets(data_dir: Path) -> list[Listing]:
    """Every dataset known by name, checked where it is present; nothing is downloaded.

    The first listing of a dataset decodes it into the cache, so that later ones take no time.
    """
    bundled = Listing("digits", DIGITS_DESCRIPTION, "bundled", None, 0)
    return [bundled, *(_list_known(name, Path(data_dir).absolute()) for name in KNOWN)]


def _list_known(name: str, data_dir: Path) -> Listing:
    dataset, folder = KNOWN[name], data_dir / name
    found = [path for file in dataset.files if (path := locate(folder, file)) is not None]
    size = sum(path.stat().st_size for path in found)
    if not found:
        return Listing(name, dataset.description, "absent", folder, size)
    try:
        open_source(name, data_dir=data_dir, fetch_missing=False)
    except DataError as error:
        status: Status = "damaged" if len(found) == len(dataset.files) else "incomplete"
        return Listing(name, dataset.description, status, folder, size, str(error))
    return Listing(name, dataset.description, "present", folder, size)
