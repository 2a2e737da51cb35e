"""Downloads one file by HTTP: a part that is there already is continued, a slow mirror given up."""

import shutil
import sys
import time
from pathlib import Path
from typing import Any, Protocol

from mnistlab.data.files import MalformedError
from mnistlab.support import durable
from mnistlab.support.platform import system
from mnistlab.support.text_format import human_bytes
from mnistlab.support.whole_numbers import whole_number

TIMEOUT = 30.0
# A mirror slower than this for a whole timeout is given up.
MIN_BYTES_PER_SECOND = 1000
CHUNK_BYTES = 1 << 16
PARTIAL_CONTENT, RANGE_NOT_SATISFIABLE = 206, 416


class DownloadProgress(Protocol):
    """Receives a download's progress: `reset` before each try, then `total` (bytes; 0 if unknown)
    is set, `update` adds received bytes; `close` once, at the end.
    """

    total: int

    def update(self, n: int) -> object: ...
    def reset(self) -> object: ...
    def close(self) -> object: ...


class DownloadError(Exception):
    """Why a download was aborted."""


def retrieve(
    url: str, path: Path, progress: DownloadProgress | None, timeout: float, most_bytes: int
) -> None:
    """Download `url` to `path`; the bytes that `path` has already are not asked for again.

    A server that cannot continue sends everything anew. `timeout`: seconds that it may be silent,
    or slower than 1 kB/s. More than `most_bytes` are refused. Raises an error for `reason`; what
    was received stays.
    """
    import requests

    before = path.stat().st_size if path.exists() else 0
    # Identity: the checksum is of the file, which a server might decompress or recompress if asked
    # to compress.
    headers = {"Accept-Encoding": "identity"}
    if before:
        headers["Range"] = f"bytes={before}-"
    with requests.get(url, stream=True, timeout=timeout, headers=headers) as response:
        if before and response.status_code == RANGE_NOT_SATISFIABLE:
            return  # all of it is there; the checksum decides
        response.raise_for_status()
        if not _continues(response, before):
            before = 0
        left = whole_number(response.headers.get("Content-Length", ""), sys.maxsize) or 0
        _check_room(path, left)
        if progress is not None:
            progress.reset()
            progress.total = before + left if left else 0
            if before:
                progress.update(before)
        with path.open("ab" if before else "wb") as output:
            _copy(response.raw, output, progress, timeout, most_bytes - before)


def _continues(response: Any, before: int) -> bool:
    """Whether the response begins at byte `before`."""
    stated = response.headers.get("Content-Range", "")
    return response.status_code == PARTIAL_CONTENT and stated.startswith(f"bytes {before}-")


def _check_room(path: Path, needed: int) -> None:
    free = shutil.disk_usage(path.parent).free
    if needed > free:
        raise DownloadError(f"needs {human_bytes(needed)}, {human_bytes(free)} are free")


def _copy(
    stream: Any, output: Any, progress: DownloadProgress | None, timeout: float, most_bytes: int
) -> None:
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
        if received > most_bytes:
            raise DownloadError(f"sent more than {most_bytes:,} bytes")
        elapsed = time.monotonic() - window_start
        if elapsed >= timeout:
            if window_bytes < MIN_BYTES_PER_SECOND * elapsed:
                raise DownloadError(f"sent {window_bytes:,} bytes in {elapsed:.0f} s")
            window_start, window_bytes = time.monotonic(), 0


def reason(error: Exception, timeout: float) -> str:
    """Why a download failed, in a few words."""
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
    if isinstance(error, (MalformedError, DownloadError)):
        return str(error)
    return f"{type(error).__name__}: {error}"[:200]


def move_durably(path: Path, destination: Path) -> None:
    """Move a complete file to its place, on the same file system, readable by others."""
    path.chmod(0o644)  # temporary files are private; a dataset may be shared
    durable.fsync(path)
    system.replace(path, destination)
    durable.fsync(destination.parent)
