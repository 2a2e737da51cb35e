"""Datasets that are published together as one ZIP archive of gzipped IDX files."""

import gzip
import hashlib
import io
import logging
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple

from mnistlab.data.download import destination
from mnistlab.data.files import MAX_BYTES, MalformedError, foreign
from mnistlab.data.retrieve import (
    TIMEOUT,
    DownloadError,
    DownloadProgress,
    move_durably,
    reason,
    retrieve,
)
from mnistlab.support.errors import DataError
from mnistlab.support.safe_files import open_file
from mnistlab.support.text_format import human_bytes

HASHED_AT_ONCE = 1 << 20
logger = logging.getLogger("mnistlab")


class ArchiveMirror(NamedTuple):
    """An address of the archive, and the hash of the file there, `algorithm` as in hashlib."""

    url: str
    algorithm: str
    hexdigest: str


@dataclass(frozen=True)
class Archive:
    """A ZIP archive: its mirrors in order, the name that it is stored under, its other names."""

    mirrors: tuple[ArchiveMirror, ...]
    name: str
    other_names: tuple[str, ...]
    bytes: int
    most_bytes: ClassVar[int] = 2 << 30

    def locate(self, folder: Path) -> Path | None:
        """The archive in a folder, under any of its names, or None. Raises OSError."""
        names = (self.name, *self.other_names)
        return next((path for name in names if (path := folder / name).exists()), None)

    def fetch(
        self,
        dataset: str,
        folder: Path,
        progress: DownloadProgress | None,
        timeout: float = TIMEOUT,
    ) -> None:
        """Download the archive into the folder, unless it is there, and verify its hash.

        The part that an interrupted download has received is continued. Processes that download at
        once share one download. Raises DataError that names `dataset`.
        """
        with destination(folder, progress):
            if self.locate(folder) is not None:
                return
            failures = []
            for mirror in self.mirrors:
                try:
                    self._fetch_from(mirror, folder, progress, timeout)
                    return
                except Exception as error:
                    failures.append(f"  {mirror.url}: {reason(error, timeout)}")
                    logger.info("%s: %s", mirror.url, reason(error, timeout))
            kept = sum(path.stat().st_size for path in folder.glob(f".{self.name}-*.part"))
            again = f"try again: `mnistlab data fetch {dataset}`"
            raise DataError(
                f"{folder / self.name}: no mirror serves it:",
                *failures,
                f"get the file elsewhere and put it into {folder}, or {again}"
                + (f" continues after the {human_bytes(kept)} that are there" if kept else ""),
            )

    def _fetch_from(
        self, mirror: ArchiveMirror, folder: Path, progress: DownloadProgress | None, timeout: float
    ) -> None:
        # Named by the hash: only mirrors of the same file continue each other's part.
        part = folder / f".{self.name}-{mirror.hexdigest[:8]}.part"
        retrieve(mirror.url, part, progress, timeout, self.most_bytes)
        with open_file(part) as file:
            start = file.read(8)
            file.seek(0)
            found = _hash(file, mirror.algorithm)
        if found != mirror.hexdigest:
            part.unlink()
            name = mirror.algorithm.upper()
            told = f", {foreign(start)}" if foreign(start) and not start.startswith(b"PK") else ""
            raise DownloadError(
                f"expected a file of {name} {mirror.hexdigest}, found {found}{told}"
            )
        move_durably(part, folder / self.name)


def _hash(file: io.BufferedIOBase, algorithm: str) -> str:
    # Not for security, so that systems that forbid MD5 for security still offer it.
    digest = hashlib.new(algorithm, usedforsecurity=False)
    while content := file.read(HASHED_AT_ONCE):
        digest.update(content)
    return digest.hexdigest()


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """The archive. Raises MalformedError, also for errors while it is read; OSError if it cannot
    be opened.
    """
    with open_file(path) as file:
        try:
            with zipfile.ZipFile(file) as archive:
                yield archive
        except gzip.BadGzipFile as error:
            raise MalformedError(
                f"expected a valid gzip file, found a damaged one ({error})"
            ) from error
        except (zipfile.BadZipFile, zlib.error, EOFError, struct.error, ValueError) as error:
            raise MalformedError(
                f"expected a valid ZIP archive, found a damaged one ({error})"
            ) from error
        except (NotImplementedError, RuntimeError) as error:  # RuntimeError: encrypted
            raise MalformedError(f"expected a plain ZIP archive, {error}") from error


def members_of(path: Path) -> dict[str, str]:
    """The members of an archive by their names without folders. Raises MalformedError, OSError."""
    with _opened(path) as archive:
        return {name.rpartition("/")[2]: name for name in archive.namelist()}


@contextmanager
def unpacked_member(path: Path, member: str) -> Iterator[tuple[io.BufferedIOBase, int]]:
    """A gzipped member of an archive, unpacked, as a stream, and the most bytes that it can have.

    Both checksums are compared at its end. Raises MalformedError, OSError.
    """
    with (
        _opened(path) as archive,
        archive.open(member) as packed,
        gzip.GzipFile(fileobj=packed) as stream,
    ):
        yield stream, MAX_BYTES
