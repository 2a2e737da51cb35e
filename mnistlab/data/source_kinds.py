"""Kinds of sources: bundled with a library, published on the web, the user's own files."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from mnistlab.data import cache
from mnistlab.data.arrays import Arrays
from mnistlab.data.download import download
from mnistlab.data.files import MalformedError
from mnistlab.data.known_files import KnownFile, check_file, damaged, locate
from mnistlab.data.retrieve import TIMEOUT, DownloadProgress
from mnistlab.data.source import (
    DatasetListing,
    DataSource,
    PublishedSource,
    Request,
    Source,
    Status,
    identity,
)
from mnistlab.support.errors import DataError

RAW = "raw"  # torchvision's folder of a dataset's files, in the folder of the dataset
DIGIT_NAMES = tuple(str(digit) for digit in range(10))


@dataclass(frozen=True, kw_only=True)
class BundledSource(DataSource):
    """A dataset that is part of a library; `decode` makes its arrays."""

    class_names: tuple[str, ...]
    decode: Callable[[], Arrays]

    def open(self, request: Request) -> Source:
        arrays, sha256 = cache.load(self.name, "bundled", self.decode)
        return Source(self.name, *arrays, class_names=self.class_names, sha256=sha256)

    def listing(self, data_dir: Path) -> DatasetListing:
        return DatasetListing(self.name, self.description, "bundled", None, 0)


@dataclass(frozen=True, kw_only=True)
class PublishedFiles(PublishedSource):
    """A dataset of four IDX files that can be downloaded; `mirrors` are folders, tried in order.

    `torchvision` is the name of torchvision's folder of the dataset: its copy is used if there is
    no other. The folder of datasets may also be the dataset's own, in both layouts.
    """

    class_names: tuple[str, ...]
    files: tuple[KnownFile, ...]
    mirrors: tuple[str, ...]
    torchvision: str | None = None

    def open(self, request: Request) -> Source:
        folder = self._folder(request.data_dir)
        if self._missing(folder) and request.fetch_missing:
            try:
                self.fetch(request.data_dir, request.progress)
            except DataError as error:
                raise DataError(*error.messages, *self._misplaced(request.data_dir)) from error
        if missing := self._missing(folder):
            raise DataError(
                f"{folder}: {', '.join(missing)} missing (gzipped or not); "
                f"run `mnistlab data fetch {self.name}`",
                *self._misplaced(request.data_dir),
            )
        paths = {f.role: found for f in self.files if (found := locate(folder, f)) is not None}
        arrays, sha256 = cache.load(self.name, identity(paths), lambda: self._read(paths))
        return Source(self.name, *arrays, class_names=self.class_names, sha256=sha256)

    def fetch(
        self, data_dir: Path, progress: DownloadProgress | None = None, timeout: float = TIMEOUT
    ) -> Path:
        return download(self, data_dir, progress, timeout)

    def lacks_files(self, data_dir: Path) -> bool:
        return bool(self._missing(self._folder(data_dir)))

    def listing(self, data_dir: Path) -> DatasetListing:
        folder = self._folder(data_dir)
        found = [path for file in self.files if (path := locate(folder, file)) is not None]
        size = sum(path.stat().st_size for path in found)
        if not found:
            return DatasetListing(self.name, self.description, "absent", folder, size)
        try:
            self.open(Request(None, data_dir, fetch_missing=False, progress=None))
        except DataError as error:
            status: Status = "damaged" if len(found) == len(self.files) else "incomplete"
            return DatasetListing(self.name, self.description, status, folder, size, str(error))
        return DatasetListing(self.name, self.description, "present", folder, size)

    def _folder(self, data_dir: Path) -> Path:
        """The folder of the files, or the folder to download them to."""
        complete = (folder for folder in self._folders(data_dir) if not self._missing(folder))
        return next(complete, data_dir / self.name)

    def _folders(self, data_dir: Path) -> Iterator[Path]:
        """Where the files may be, the preferred folder first.

        `data_dir` itself is one of them only if its name says which dataset it holds: the files of
        all published datasets have the same names.
        """
        names = [name for name in (self.name, self.torchvision) if name is not None]
        for name in names:
            yield from (data_dir / name, data_dir / name / RAW)
        if data_dir.name in names:
            yield from (data_dir, data_dir / RAW)
        if data_dir.name == RAW and data_dir.parent.name in names:
            yield data_dir

    def _misplaced(self, data_dir: Path) -> Iterator[str]:
        """What to do with files that are in the folder of datasets itself, or one folder deeper."""
        if not self._missing(data_dir):
            yield (
                f"the files in {data_dir} itself may be those of any dataset: if they are "
                f"{self.name}, move them into {data_dir / self.name}"
            )
        for inner in sorted(data_dir.glob("*")):
            if self._is_in(inner):
                yield f"{inner} has {self.name}: --data-dir {inner} reads it"

    def _is_in(self, data_dir: Path) -> bool:
        """Whether a folder of datasets has this one; not if it may not be read."""
        try:
            return data_dir.is_dir() and not self.lacks_files(data_dir)
        except (DataError, OSError):
            return False

    def _missing(self, folder: Path) -> list[str]:
        files = (file for file in self.files if locate(folder, file) is None)
        return [file.download_name.removesuffix(".gz") for file in files]

    def _read(self, paths: dict[str, Path]) -> Arrays:
        """The four arrays, from files by role. Raises DataError, one line per bad file."""
        arrays, errors = {}, []
        for file in self.files:
            path = paths[file.role]
            try:
                arrays[file.role] = check_file(path, file, len(self.class_names))
            except MalformedError as error:
                errors.append(damaged(path, error, self.name))
        if errors:
            raise DataError(*errors)
        return Arrays(**arrays)


@dataclass(frozen=True, kw_only=True)
class OwnFiles(DataSource):
    """A format of the user's own files. Its classes are the labels from 0 to the largest one.

    `find` searches for the files at `data.path`; `read` makes arrays from the result; `identity` is
    a text that changes when one of the files does. All three raise DataError. `names` are the names
    of the classes by label, if the files have names.
    """

    find: Callable[[Path], Any]
    read: Callable[[Any], Arrays]
    identity: Callable[[Any], str]
    names: Callable[[Any], tuple[str, ...] | None] = lambda found: None
    takes_path: ClassVar[bool] = True

    def open(self, request: Request) -> Source:
        assert request.path is not None
        found = self.find(request.path)
        arrays, sha256 = cache.load(self.name, self.identity(found), lambda: self.read(found))
        classes = 1 + max(int(arrays.train_labels.max()), int(arrays.test_labels.max()))
        names = self.names(found) or ()
        if len(names) < classes:
            names = tuple(str(label) for label in range(classes))
        return Source(self.name, *arrays, class_names=names, sha256=sha256)
