"""The interface of a source of images, and its result."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal

from mnistlab.data.arrays import Bytes
from mnistlab.data.files import fingerprint
from mnistlab.data.retrieve import TIMEOUT, DownloadProgress
from mnistlab.support.errors import UsageError, data_error

Status = Literal["bundled", "present", "absent", "incomplete", "damaged"]


@dataclass(frozen=True, eq=False)
class Source:
    """A dataset as stored: images uint8 (n, height, width), labels uint8 (n,), read-only and
    memory-mapped; `sha256` is that of the content, independent of the file format.
    """

    name: str
    train_images: Bytes
    train_labels: Bytes
    test_images: Bytes
    test_labels: Bytes
    class_names: tuple[str, ...]
    sha256: str

    def __repr__(self) -> str:
        height, width = self.train_images.shape[1:]
        return (
            f"<Dataset {self.name}: {len(self.train_images):,} training and "
            f"{len(self.test_images):,} test images of {height} × {width} pixels, "
            f"{len(self.class_names)} classes>"
        )


@dataclass(frozen=True)
class Request:
    """Where a source may look for files; `path` is set only for the user's own files."""

    path: Path | None
    data_dir: Path
    fetch_missing: bool
    progress: DownloadProgress | None


@dataclass(frozen=True)
class DatasetListing:
    """A dataset known by name: its folder, present or not, and its state.

    `path` is None for a bundled dataset; `bytes` is the size of the files found; `problem` is the
    error of an incomplete or damaged dataset.
    """

    name: str
    description: str
    status: Status
    path: Path | None
    bytes: int
    problem: str | None = None


@dataclass(frozen=True)
class DataSource(ABC):
    """A possible value of `data.source`. Each is a file in `data/sources/`.

    `class_names` are in the order of their labels; None if only the files determine the labels.
    `takes_path`: whether it reads the user's own files at `data.path`.
    """

    name: str
    description: str
    class_names: tuple[str, ...] | None = None
    takes_path: ClassVar[bool] = False

    @abstractmethod
    def open(self, request: Request) -> Source:
        """The images and labels. Raises DataError if data are missing or damaged."""

    def lacks_files(self, data_dir: Path) -> bool:
        """Whether its files are missing in a folder of datasets. Raises DataError if the folder may
        not be read.
        """
        return False

    def listing(self, data_dir: Path) -> DatasetListing | None:
        """Its line in the list of datasets; None if it is not a single dataset."""
        return None


class PublishedSource(DataSource):
    """A dataset that can be downloaded."""

    class_names: tuple[str, ...]

    @abstractmethod
    def fetch(
        self, data_dir: Path, progress: DownloadProgress | None = None, timeout: float = TIMEOUT
    ) -> Path:
        """Download what is missing into a folder of datasets, and verify it; returns its folder.

        Raises DataError.
        """


def named(source: Source, names: Sequence[str] | None) -> Source:
    """The source with these names of its classes, if any; there may be more than it has labels.

    Raises UsageError if there are fewer.
    """
    if names is None:
        return source
    if len(names) < len(source.class_names):
        raise UsageError(
            f"data.class_names: found {len(names)} names, expected {len(source.class_names)}: "
            f"{source.name} has labels of 0 to {len(source.class_names) - 1}"
        )
    return replace(source, class_names=tuple(names))


def identity(paths: Mapping[str, Path]) -> str:
    """A text that changes when one of the files does: their paths, sizes and times."""
    try:
        return json.dumps([fingerprint(path) for path in paths.values()])
    except OSError as error:
        raise data_error(f"{error.filename}: cannot be read ({error.strerror})", error) from error
