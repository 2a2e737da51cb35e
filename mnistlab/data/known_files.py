"""The four files of a published dataset: their names, shapes and checksums."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mnistlab.data.arrays import Bytes
from mnistlab.data.files import MalformedError, is_gzipped
from mnistlab.data.idx import header, read_idx
from mnistlab.support.errors import data_error
from mnistlab.support.safe_files import read_file

STEMS = {
    "train_images": "train-images",
    "train_labels": "train-labels",
    "test_images": "t10k-images",
    "test_labels": "t10k-labels",
}


@dataclass(frozen=True)
class KnownFile:
    """One of a dataset's four files.

    `sha256` is of the decompressed content, so any gzip of it is accepted. `gz_md5` is of the
    published .gz; it cannot verify an unpacked file.
    """

    role: str
    shape: tuple[int, ...]
    sha256: str | None = None
    gz_md5: str | None = None

    @property
    def download_name(self) -> str:
        """The file's name on the mirrors and in the download folder."""
        return f"{STEMS[self.role]}-idx{len(self.shape)}-ubyte.gz"

    def names(self) -> Iterator[str]:
        """The accepted names of the file, the preferred one first."""
        for separator in "-.":
            for suffix in ("", ".gz"):
                yield f"{STEMS[self.role]}{separator}idx{len(self.shape)}-ubyte{suffix}"


MNIST_SHAPES = ((60_000, 28, 28), (60_000,), (10_000, 28, 28), (10_000,))


def checked_by(checksum: Literal["sha256", "gz_md5"], *sums: str) -> tuple[KnownFile, ...]:
    """Four files of MNIST's shapes with these checksums, of the kind `checksum` of KnownFile."""
    files = zip(STEMS, MNIST_SHAPES, sums, strict=True)
    return tuple(KnownFile(role, shape, **{checksum: value}) for role, shape, value in files)


def locate(folder: Path, file: KnownFile) -> Path | None:
    """The file in the folder, under any of its names, or None.

    Raises DataError if the folder may not be read.
    """
    try:
        return next((path for name in file.names() if (path := folder / name).exists()), None)
    except OSError as error:
        raise data_error(f"{folder}: cannot be read ({error.strerror})", error) from error


def check_file(path: Path, file: KnownFile, classes: int) -> Bytes:
    """The file's content, uint8 of `file.shape`, after shape, checksum and labels are verified.

    Raises MalformedError.
    """
    array = read_idx(path, len(file.shape), file.shape)
    if file.sha256 is not None:
        content = hashlib.sha256(header(array.shape))
        content.update(array.data)
        _compare("content of SHA-256", file.sha256, content.hexdigest())
    if file.gz_md5 is not None and is_gzipped(path):
        _compare("a .gz of MD5", file.gz_md5, _md5(path))
    if array.ndim == 1 and int(array.max()) >= classes:
        raise MalformedError(f"expected labels from 0 to {classes - 1}, found {int(array.max())}")
    return array


def _md5(path: Path) -> str:
    # Not for security, so that systems that forbid MD5 for security still offer it.
    return hashlib.md5(read_file(path), usedforsecurity=False).hexdigest()


def _compare(what: str, expected: str, found: str) -> None:
    if found != expected:
        raise MalformedError(f"expected {what} {expected}, found {found}")


def damaged(path: Path, error: MalformedError, dataset: str) -> str:
    """The message for a damaged file of a published dataset."""
    return f"{path}: {error}; delete it and run `mnistlab data fetch {dataset}`"
