"""Downloads datasets of four files: each verified under a temporary name, then renamed."""

import hashlib
import logging
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mnistlab.data.files import MalformedError
from mnistlab.data.known_files import KnownFile, check_file, damaged, locate
from mnistlab.data.retrieve import TIMEOUT, DownloadProgress, move_durably, reason, retrieve
from mnistlab.support.errors import DataError, data_error
from mnistlab.support.locks import file_lock, folder_lock
from mnistlab.support.paths import cache_dir

if TYPE_CHECKING:
    from mnistlab.data.source_kinds import PublishedFiles

# Twice the largest known file: an endless download is aborted here.
MAX_DOWNLOAD_BYTES = 64 << 20
TEMPORARY_PREFIX = ".fetch-"
logger = logging.getLogger("mnistlab")


def download(
    dataset: "PublishedFiles",
    data_dir: Path,
    progress: DownloadProgress | None = None,
    timeout: float = TIMEOUT,
) -> Path:
    """Download the missing files of a dataset into `data_dir/<its name>`, and verify all files.

    `timeout`: seconds that a mirror may be silent, or slower than 1 kB/s, before the next is tried.
    Processes that download at once share one download. Returns the folder. Raises DataError if a
    file is damaged or no mirror serves it; nothing of that file is kept.
    """
    folder = data_dir.absolute() / dataset.name
    with destination(folder, progress):
        for file in dataset.files:
            _provide(dataset, file, folder, progress, timeout)
    return folder


@contextmanager
def destination(folder: Path, progress: DownloadProgress | None) -> Iterator[None]:
    """The locked folder of a download. Closes `progress`; raises DataError if the folder cannot
    keep the files.
    """
    try:
        with _lock(folder) as locked, _folder(folder, tidy=locked):
            yield
    except OSError as error:
        raise data_error(
            f"{folder}: cannot keep the dataset here ({error.strerror or error})", error
        ) from error
    finally:
        if progress is not None:
            progress.close()


@contextmanager
def _lock(folder: Path) -> Iterator[bool]:
    """Hold the lock on downloads to this folder; yields False if that is impossible.

    Files are moved atomically, so a machine without a cache folder can at worst download twice.
    """
    key = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    with ExitStack() as stack:
        try:
            stack.enter_context(file_lock(cache_dir() / "locks" / f"fetch-{key}.lock"))
            locked = True
        except OSError as error:
            logger.warning("downloading without a lock (%s)", error)
            locked = False
        yield locked


@contextmanager
def _folder(folder: Path, *, tidy: bool) -> Iterator[None]:
    """The folder, created if missing; removed again if it was created and stays empty."""
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if tidy:
            for left_behind in folder.glob(f"{TEMPORARY_PREFIX}*"):
                _remove_if_abandoned(left_behind)
        yield
    finally:
        with suppress(OSError):
            for path in made:
                path.rmdir()


def _remove_if_abandoned(left_behind: Path) -> None:
    """Remove a killed process's temporary folder, unless it is locked: a process with another cache
    folder, and so another download lock, may be using it.
    """
    with suppress(OSError), folder_lock(left_behind) as abandoned:
        if abandoned:
            shutil.rmtree(left_behind, ignore_errors=True)


def _provide(
    dataset: "PublishedFiles",
    file: KnownFile,
    folder: Path,
    progress: DownloadProgress | None,
    timeout: float,
) -> None:
    if present := locate(folder, file):
        try:
            check_file(present, file, len(dataset.class_names))
        except MalformedError as error:
            raise DataError(damaged(present, error, dataset.name)) from error
        return
    failures = []
    for mirror in dataset.mirrors:
        url = mirror + file.download_name
        # In the destination's folder, so that the move is a rename on one file system.
        with (
            tempfile.TemporaryDirectory(prefix=TEMPORARY_PREFIX, dir=folder) as temporary,
            folder_lock(Path(temporary)),
        ):
            path = Path(temporary) / file.download_name
            try:
                retrieve(url, path, progress, timeout, MAX_DOWNLOAD_BYTES)
                check_file(path, file, len(dataset.class_names))
            except Exception as error:
                failures.append(f"  {url}: {reason(error, timeout)}")
                logger.info("%s: %s", url, reason(error, timeout))
                continue
            move_durably(path, folder / file.download_name)
            return
    raise DataError(
        f"{folder / file.download_name}: no mirror serves it:",
        *failures,
        f"get the file elsewhere and put it into {folder}, gzipped or not, "
        f"or try again: `mnistlab data fetch {dataset.name}`",
    )
