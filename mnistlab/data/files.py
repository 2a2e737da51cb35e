"""Opens and unpacks a dataset's files safely, and detects their format by their first bytes."""

import gzip
import io
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mnistlab.support.errors import UsageError, is_forbidden
from mnistlab.support.memory import available_to_process, lacking
from mnistlab.support.safe_files import open_file

GZIP_MAGIC = b"\x1f\x8b"
# Deflate cannot shrink data by more than 1032 to 1; a header that promises more is wrong.
MAX_DEFLATE_RATIO = 1032
# Seventy times MNIST; also limits decompression bombs.
MAX_BYTES = 1 << 32
FOREIGN = {
    b"<": "a web page (HTML or XML)",
    b"PK\x03\x04": "a ZIP archive",
    GZIP_MAGIC: "a gzip file",
    b"\xfd7zX": "an XZ file",
    b"BZh": "a bzip2 file",
    b"\x93NUM": "a NumPy file",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
    b"vers": "text (a Git LFS pointer?)",
}


class MalformedError(Exception):
    """What was expected of a file and what was found; the caller adds the file's name."""


def check_memory(count: int) -> None:
    """Raise MalformedError if this many bytes of images do not fit into memory;
    allocates nothing.
    """
    if words := lacking(count, available_to_process()):
        raise MalformedError(f"its images take {words}")


@contextmanager
def unpacked(path: Path, expected: str) -> Iterator[tuple[io.BufferedIOBase, int]]:
    """The content of a file, gzipped or plain (detected by its first bytes), as a stream, and the
    largest number of bytes that it can have.

    `expected` names the kind of file, as in "an IDX file".

    Raises MalformedError, also for errors while reading the stream; UsageError if this user may not
    read the file.
    """
    try:
        size = regular_size(path)
        if size == 0:
            raise MalformedError(f"expected {expected}, found an empty one (0 bytes)")
        with open_file(path) as raw:
            gzipped = raw.read(2) == GZIP_MAGIC
            raw.seek(0)
            if not gzipped:
                yield raw, size
                return
            with gzip.GzipFile(fileobj=raw) as stream:
                yield stream, size * MAX_DEFLATE_RATIO
    except EOFError as error:
        raise MalformedError("expected a complete gzip file, found a truncated one") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise MalformedError(
            f"expected a valid gzip file, found a damaged one ({error})"
        ) from error
    except OSError as error:
        raise unreadable(path, error) from error
    except MemoryError as error:
        raise MalformedError("needs more memory than there is") from error


def unreadable(path: Path, error: OSError) -> Exception:
    """The error for an unreadable file: UsageError, which names it, if this user lacks permission;
    MalformedError otherwise.
    """
    if is_forbidden(error):
        return UsageError(f"{path}: cannot be read: {error.strerror}")
    return MalformedError(f"cannot be read: {error.strerror or error}")


def regular_size(path: Path) -> int:
    """The file's size in bytes. Raises OSError; MalformedError if it is not a regular file."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):  # a pipe would block for ever
        what = "folder" if stat.S_ISDIR(status.st_mode) else "device"
        raise MalformedError(f"expected a file, found a {what}")
    return status.st_size


def foreign(start: bytes) -> str | None:
    """The kind of file that begins with these bytes, for kinds often found by mistake;
    else None.
    """
    return next((name for magic, name in FOREIGN.items() if start.startswith(magic)), None)


def is_gzipped(path: Path) -> bool:
    """Whether the file begins like a gzip file. Raises OSError."""
    with open_file(path) as file:
        return file.read(2) == GZIP_MAGIC


def fingerprint(path: Path) -> tuple[str, int, int, int]:
    """Path, size in bytes and times in ns: a cheap check that a file is unchanged."""
    return str(path), *size_and_times(path.stat())


def size_and_times(status: os.stat_result) -> tuple[int, int, int]:
    """A file's size in bytes, and the times in ns of its modification and of its last change.

    The last change is also that of a rename, and of a copy that keeps the modification time. On
    Windows it is the creation.
    """
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns
