"""The content of a source, and the list of datasets."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mnistlab.data.arrays import Bytes
from mnistlab.data.moments import pixel_moments
from mnistlab.data.source import DatasetListing, Source
from mnistlab.data.sources import SOURCES


@dataclass(frozen=True)
class SplitInfo:
    """One part of a source; `mean` and `std` are over all its pixels, 0 to 255."""

    count: int
    per_class: tuple[int, ...]
    mean: float
    std: float


@dataclass(frozen=True)
class SourceInfo:
    """The content of a source; `image_shape` is (height, width)."""

    name: str
    sha256: str
    image_shape: tuple[int, int]
    class_names: tuple[str, ...]
    train: SplitInfo
    test: SplitInfo


def describe(source: Source) -> SourceInfo:
    """Counts, pixel statistics and digest of a source; `dataclasses.asdict` converts it."""
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


def list_datasets(data_dir: Path) -> list[DatasetListing]:
    """Every dataset known by name, verified if it is present; nothing is downloaded.

    The first listing of a dataset decodes it into the cache, so that later ones are fast.
    """
    found = (source.listing(Path(data_dir).absolute()) for source in SOURCES.values())
    return [listing for listing in found if listing is not None]
