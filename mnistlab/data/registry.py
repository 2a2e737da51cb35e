"""The datasets known by name: their files, mirrors, checksums and class names."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mnistlab.data.arrays import Arrays, Bytes
from mnistlab.data.files import MalformedError, is_gzipped
from mnistlab.data.idx import header, read_idx
from mnistlab.support.errors import DataError
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

    `sha256` is of the decompressed content, so that any gzip of it serves; `gz_md5` is of the
    .gz as published, and says nothing of a file that somebody has unpacked.
    """

    role: str
    shape: tuple[int, ...]
    sha256: str | None = None
    gz_md5: str | None = None

    @property
    def download_name(self) -> str:
        """The file's name on the mirrors, and where a download is kept."""
        return f"{STEMS[self.role]}-idx{len(self.shape)}-ubyte.gz"

    def names(self) -> Iterator[str]:
        """The names under which the file is accepted, the preferred one first."""
        for separator in "-.":
            for suffix in ("", ".gz"):
                yield f"{STEMS[self.role]}{separator}idx{len(self.shape)}-ubyte{suffix}"


@dataclass(frozen=True)
class KnownDataset:
    """A dataset that can be fetched; `mirrors` are folders, tried in order."""

    name: str
    description: str
    files: tuple[KnownFile, ...]
    mirrors: tuple[str, ...]
    class_names: tuple[str, ...]


MNIST_SHAPES = ((60_000, 28, 28), (60_000,), (10_000, 28, 28), (10_000,))


def _checked_by_sha256(*sums: str) -> tuple[KnownFile, ...]:
    files = zip(STEMS, MNIST_SHAPES, sums, strict=True)
    return tuple(KnownFile(role, shape, sha256=value) for role, shape, value in files)


def _checked_by_md5(*sums: str) -> tuple[KnownFile, ...]:
    files = zip(STEMS, MNIST_SHAPES, sums, strict=True)
    return tuple(KnownFile(role, shape, gz_md5=value) for role, shape, value in files)


DIGIT_NAMES = tuple(str(digit) for digit in range(10))
DIGITS_DESCRIPTION = "1,797 handwritten digits of UCI, bundled: needs no network"

_DATASETS = (
    KnownDataset(
        name="mnist",
        description="70,000 handwritten digits",
        files=_checked_by_sha256(
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
        mirrors=(
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
        class_names=DIGIT_NAMES,
    ),
    KnownDataset(
        name="fashion-mnist",
        description="70,000 articles of Zalando's",
        files=_checked_by_md5(
            "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "25c81989df183df01b3e8a0aad5dffbe",
            "bef4ecab320f06d8554ea6380940ec79",
            "bb300cfdad3c16e7a12a480ee83cd310",
        ),
        mirrors=(
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        ),
        class_names=(
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
    ),
    KnownDataset(
        name="kmnist",
        description="70,000 cursive kana of CODH's Kuzushiji",
        files=_checked_by_md5(
            "bdb82020997e1d708af4cf47b453dcf7",
            "e144d726b3acfaa3e44228e80efcd344",
            "5c965bf0a639b31b8f53240b1b52f4d7",
            "7320c461ea6c1c855c0b718fb2a4b134",
        ),
        mirrors=(
            "https://codh.rois.ac.jp/kmnist/dataset/kmnist/",
            "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
        ),
        class_names=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
    ),
)
KNOWN: dict[str, KnownDataset] = {dataset.name: dataset for dataset in _DATASETS}


def locate(folder: Path, file: KnownFile) -> Path | None:
    """The file in the folder, under whichever of its names it stands, or None.

    Raises DataError when the folder may not be read.
    """
    try:
        return next((path for name in file.names() if (path := folder / name).exists()), None)
    except OSError as error:
        raise DataError(f"{folder}: cannot be read ({error.strerror})") from error


def check_file(path: Path, file: KnownFile, classes: int) -> Bytes:
    """The file's content, uint8 of `file.shape`, once shape, checksum and labels are right.

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
    # Not for security, so that systems which forbid MD5 for that still offer it.
    return hashlib.md5(read_file(path), usedforsecurity=False).hexdigest()


def _compare(what: str, expected: str, found: str) -> None:
    if found != expected:
        raise MalformedError(f"expected {what} {expected}, found {found}")


def read_known(dataset: KnownDataset, paths: dict[str, Path]) -> Arrays:
    """The dataset's four arrays, from files by role. Raises DataError, one line per bad file."""
    arrays, errors = {}, []
    for file in dataset.files:
        path = paths[file.role]
        try:
            arrays[file.role] = check_file(path, file, len(dataset.class_names))
        except MalformedError as error:
            errors.append(damaged(path, error, dataset))
    if errors:
        raise DataError(*errors)
    return Arrays(**arrays)


def damaged(path: Path, error: MalformedError, dataset: KnownDataset) -> str:
    """The message for a file of a known dataset that is not what it should be."""
    return f"{path}: {error}; delete it and run `mnistlab data fetch {dataset.name}`"
