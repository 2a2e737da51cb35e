"""Every source of images, opened the same way."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from mnistlab.data import cache, csv_files, digits, idx_folder, npz_file, png_folder
from mnistlab.data.arrays import Arrays, Bytes
from mnistlab.data.fetch import Progress, fetch
from mnistlab.data.files import fingerprint
from mnistlab.data.registry import DIGIT_NAMES, KNOWN, KnownDataset, locate, read_known
from mnistlab.support.errors import DataError, UsageError


@dataclass(frozen=True, eq=False)
class Source:
    """A dataset as it is stored: images uint8 (n, height, width), labels uint8 (n,), all read-only
    and memory-mapped; `sha256` is of that content, whatever files it came in.
    """

    name: str
    train_images: Bytes
    train_labels: Bytes
    test_images: Bytes
    test_labels: Bytes
    class_names: tuple[str, ...]
    sha256: str


@dataclass(frozen=True)
class Request:
    """What is asked of a source."""

    name: str
    path: Path | None
    data_dir: Path
    fetch_missing: bool
    progress: Progress | None


def open_source(
    name: str,
    path: Path | str | None = None,
    *,
    data_dir: Path,
    fetch_missing: bool = True,
    progress: Progress | None = None,
) -> Source:
    """Opens a source by the name it has in a configuration, `data.source`.

    `path` is where the user's own files lie: a folder (`idx`, `png`, `csv`), or a file or its
    folder (`npz`). A known dataset that is missing is downloaded into `data_dir`, if
    `fetch_missing`. Raises UsageError for an unknown name or a path that is missing or out of
    place; DataError for data that are missing or damaged.
    """
    if name not in SOURCES:
        raise UsageError(f"data.source: found {name!r}; choose from {', '.join(SOURCES)}")
    if name in OWN_FILES and path is None:
        raise UsageError(f"data.path: {name} needs the path of your files")
    if name not in OWN_FILES and path is not None:
        raise UsageError(f"data.path: {name} takes none; only {', '.join(OWN_FILES)} does")
    folder = None if path is None else Path(path).expanduser().absolute()
    request = Request(name, folder, Path(data_dir).absolute(), fetch_missing, progress)
    return SOURCES[name](request)


def _open_digits(request: Request) -> Source:
    arrays, sha256 = cache.load(request.name, "bundled", digits.decode)
    return Source(request.name, *arrays, class_names=DIGIT_NAMES, sha256=sha256)


def _open_known(request: Request) -> Source:
    dataset = KNOWN[request.name]
    folder = request.data_dir / request.name
    if _missing(dataset, folder) and request.fetch_missing:
        fetch(request.name, request.data_dir, request.progress)
    if missing := _missing(dataset, folder):
        raise DataError(
            f"{folder}: {', '.join(missing)} missing (gzipped or not); "
            f"run `mnistlab data fetch {request.name}`"
        )
    paths = {f.role: found for f in dataset.files if (found := locate(folder, f)) is not None}
    arrays, sha256 = _load(request.name, paths.values(), lambda: read_known(dataset, paths))
    return Source(request.name, *arrays, class_names=dataset.class_names, sha256=sha256)


def _missing(dataset: KnownDataset, folder: Path) -> list[str]:
    files = (file for file in dataset.files if locate(folder, file) is None)
    return [file.download_name.removesuffix(".gz") for file in files]


def _open_idx(request: Request) -> Source:
    assert request.path is not None
    paths = idx_folder.find_files(request.path)
    return _own_source(
        request.name, *_load(request.name, paths.values(), lambda: idx_folder.read_folder(paths))
    )


def _open_png(request: Request) -> Source:
    assert request.path is not None
    parts = png_folder.find_files(request.path)
    arrays, sha256 = cache.load(
        request.name, json.dumps(parts), lambda: png_folder.read_folder(parts)
    )
    return _own_source(request.name, arrays, sha256)


def _open_csv(request: Request) -> Source:
    assert request.path is not None
    paths = csv_files.find_files(request.path)
    return _own_source(
        request.name, *_load(request.name, paths.values(), lambda: csv_files.read_folder(paths))
    )


def _open_npz(request: Request) -> Source:
    assert request.path is not None
    path = npz_file.find_file(request.path)
    return _own_source(request.name, *_load(request.name, [path], lambda: npz_file.read_file(path)))


def _own_source(name: str, arrays: Arrays, sha256: str) -> Source:
    """A source whose classes are numbered, up to the largest label of either part."""
    classes = 1 + max(int(arrays.train_labels.max()), int(arrays.test_labels.max()))
    names = tuple(str(label) for label in range(classes))
    return Source(name, *arrays, class_names=names, sha256=sha256)


def _load(name: str, paths: Iterable[Path], decode: Callable[[], Arrays]) -> tuple[Arrays, str]:
    try:
        identity = json.dumps([fingerprint(path) for path in paths])
    except OSError as error:
        raise DataError(f"{error.filename}: cannot be read ({error.strerror})") from error
    return cache.load(name, identity, decode)


SOURCES: dict[str, Callable[[Request], Source]] = {
    "digits": _open_digits,
    "mnist": _open_known,
    "fashion-mnist": _open_known,
    "kmnist": _open_known,
    "idx": _open_idx,
    "png": _open_png,
    "csv": _open_csv,
    "npz": _open_npz,
}
# The sources that read the user's own files, at `data.path`.
OWN_FILES = ("idx", "png", "csv", "npz")
