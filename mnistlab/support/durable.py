"""Files that are whole or not there: written beside themselves, fsynced, renamed."""

import os
import re
import secrets
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from mnistlab.support.errors import UsageError
from mnistlab.support.safe_files import open_to_append, read_artefact

TEMPORARY_SUFFIX = ".tmp"
MAX_TEXT_BYTES = 1 << 30
# As `temporary_beside` makes them, and nobody else.
TEMPORARY_NAME = re.compile(rf"\.(.+)\.\d+-[0-9a-f]{{8}}{re.escape(TEMPORARY_SUFFIX)}")


def write_file(path: Path, data: bytes | str) -> None:
    """Put `data` (text as UTF-8) at `path`, so that a reader sees the old file or the new one.

    Raises OSError; the old file is then as it was and no temporary remains.
    """
    content = data.encode() if isinstance(data, str) else data
    temporary = temporary_beside(path)
    try:
        # Mode "xb" honours the umask, where tempfile's names are readable by their owner alone.
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)  # noqa: PTH105 - the name that says what it does
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        _name(error, path)
        raise
    fsync(path.parent)


def read_text(path: Path) -> str:
    """The text of a file, whatever its line ends; raises UsageError where it cannot be read."""
    try:
        return read_artefact(path, MAX_TEXT_BYTES).decode().replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: is no text: byte {error.start} is not UTF-8") from error


def append_lines(path: Path, lines: Iterable[str], *, fsync: bool = False) -> None:
    """Add whole lines (given without their ends) to a text file, all of them or none.

    Raises OSError; the file is then cut back to what it was.
    """
    content = "".join(f"{line}\n" for line in lines).encode()
    size = path.stat().st_size
    try:
        with open_to_append(path) as file:
            file.write(content)
            file.flush()
            if fsync:
                os.fsync(file.fileno())
    except UsageError:
        raise  # a link or a pipe: nothing was written
    except BaseException as error:
        with suppress(OSError):
            os.truncate(path, size)
        _name(error, path)
        raise


def _name(error: BaseException, path: Path) -> None:
    """Let an error of the system tell the file, as one of writing or of fsync does not."""
    if isinstance(error, OSError):
        error.filename, error.filename2 = str(path), None


def fsync(path: Path) -> None:
    """Wait until what was written to a file, or the names in a folder, is on disk.

    A rename is only on disk when its folder is.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def temporary_beside(path: Path) -> Path:
    """A name in the folder of `path` that no other process uses."""
    return path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}{TEMPORARY_SUFFIX}")


def remove_temporaries(folder: Path, wanted: Callable[[str], bool] = lambda name: True) -> None:
    """Remove what killed writers left in a folder of the files whose names are `wanted`.

    Only the one writer of these files may call this.
    """
    for leftover in list(folder.glob(f".*{TEMPORARY_SUFFIX}")):
        named = TEMPORARY_NAME.fullmatch(leftover.name)
        if named and wanted(named[1]):
            leftover.unlink(missing_ok=True)
