"""Downloads published datasets: verified under a temporary name, then renamed."""

import hashlib
import logging
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mnistlab.data.files import MalformedError
from mnistlab.data.known_files import KnownFile, check_file, damaged, locate
from mnistlab.support import durable
from mnistlab.support.errors import DataError, data_error
from mnistlab.support.locks import file_lock, folder_lock
from mnistlab.support.paths import cache_dir
from mnistlab.support.platform import system
from mnistlab.support.whole_numbers import whole_number

if TYPE_CHECKING:
    from mnistlab.data.source_kinds import PublishedSource

TIMEOUT = 30.0
# A mirror slower than this for a whole timeout is given up.
MIN_BYTES_PER_SECOND = 1000
# Twice the largest known file: an endless download is aborted here.
MAX_DOWNLOAD_BYTES = 64 << 20
CHUNK_BYTES = 1 << 16
TEMPORARY_PREFIX = ".fetch-"
logger = logging.getLogger("mnistlab")


class DownloadProgress(Protocol):
    """Receives a download's progress: `reset` before each try, then `total` (bytes; 0 if unknown)
    is set, `update` adds received bytes; `close` once, at the end.
    """

    total: int

    def update(self, n: int) -> object: ...
    def reset(self) -> object: ...
    def close(self) -> object: ...


def download(
    dataset: "PublishedSource",
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
    try:
        with _lock(folder) as locked, _folder(folder, tidy=locked):
            for file in dataset.files:
                _provide(dataset, file, folder, progress, timeout)
    except OSError as error:
        raise data_error(
            f"{folder}: cannot keep the dataset here ({error.strerror or error})", error
        ) from error
    finally:
        if progress is not None:
            progress.close()
    return folder


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
    dataset: "PublishedSource",
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
    reasons = []
    for mirror in dataset.mirrors:
        url = mirror + file.download_name
        # In the destination's folder, so that the move is a rename on one file system.
        with (
            tempfile.TemporaryDirectory(prefix=TEMPORARY_PREFIX, dir=folder) as temporary,
            folder_lock(Path(temporary)),
        ):
            path = Path(temporary) / file.download_name
            try:
                _retrieve(url, path, progress, timeout)
                check_file(path, file, len(dataset.class_names))
            except Exception as error:
                reasons.append(f"  {url}: {_reason(error, timeout)}")
                logger.info("%s: %s", url, _reason(error, timeout))
                continue
            _move_durably(path, folder / file.download_name)
            return
    raise DataError(
        f"{folder / file.download_name}: no mirror serves it:",
        *reasons,
        f"get the file elsewhere and put it into {folder}, gzipped or not, "
        f"or try again: `mnistlab data fetch {dataset.name}`",
    )


class _DownloadError(Exception):
    """Why a download was aborted."""


def _retrieve(url: str, path: Path, progress: DownloadProgress | None, timeout: float) -> None:
    import requests

    # The checksum is of the .gz, which a server might decompress or recompress if asked to
    # compress.
    headers = {"Accept-Encoding": "identity"}
    with requests.get(url, stream=True, timeout=timeout, headers=headers) as response:
        response.raise_for_status()
        total = response.headers.get("Content-Length", "")
        if progress is not None:
            progress.reset()
            progress.total = whole_number(total, sys.maxsize) or 0
        with path.open("wb") as output:
            _copy(response.raw, output, progress, timeout)


def _copy(stream: Any, output: Any, progress: DownloadProgress | None, timeout: float) -> None:
    """Read the available bytes, and check the rate and the size. Waiting for whole chunks would let
    a slow server block this process for hours.
    """
    read = getattr(stream, "read1", stream.read)  # urllib3 1 has no read1
    received = window_bytes = 0
    window_start = time.monotonic()
    while chunk := read(CHUNK_BYTES):
        output.write(chunk)
        received += len(chunk)
        window_bytes += len(chunk)
        if progress is not None:
            progress.update(len(chunk))
        if received > MAX_DOWNLOAD_BYTES:
            raise _DownloadError(f"sent more than {MAX_DOWNLOAD_BYTES:,} bytes")
        elapsed = time.monotonic() - window_start
        if elapsed >= timeout:
            if window_bytes < MIN_BYTES_PER_SECOND * elapsed:
                raise _DownloadError(f"sent {window_bytes:,} bytes in {elapsed:.0f} s")
            window_start, window_bytes = time.monotonic(), 0


def _reason(error: Exception, timeout: float) -> str:
    import requests
    from urllib3.exceptions import ProtocolError, TimeoutError

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"answered {error.response.status_code} {error.response.reason}"
    if isinstance(error, (requests.Timeout, TimeoutError)):
        return f"silent for {timeout:g} s"
    if isinstance(error, ProtocolError):
        return f"ended after too few bytes ({error.args[-1]})"
    if isinstance(error, requests.ConnectionError):
        return "cannot be reached, or hung up"
    if isinstance(error, (MalformedError, _DownloadError)):
        return str(error)
    return f"{type(error).__name__}: {error}"[:200]


def _move_durably(path: Path, destination: Path) -> None:
    path.chmod(0o644)  # temporary files are private; a dataset may be shared
    durable.fsync(path)
    system.replace(path, destination)
    durable.fsync(destination.parent)
