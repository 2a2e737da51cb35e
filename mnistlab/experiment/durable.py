"""Files that are whole or not there: written beside themselves, fsynced, renamed."""

import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

TEMPORARY_SUFFIX = ".tmp"


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
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    fsync_folder(path.parent)


def append_lines(path: Path, lines: Iterable[str], *, fsync: bool = False) -> None:
    """Add whole lines (given without their ends) to a text file, all of them or none.

    Raises OSError; the file is then cut back to what it was.
    """
    content = "".join(f"{line}\n" for line in lines).encode()
    size = path.stat().st_size
    try:
        with path.open("ab") as file:
            file.write(content)
            file.flush()
            if fsync:
                os.fsync(file.fileno())
    except BaseException:
        with suppress(OSError):
            os.truncate(path, size)
        raise


def fsync_folder(folder: Path) -> None:
    """Make the names in a folder durable: a rename is only on disk when its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def temporary_beside(path: Path) -> Path:
    """A name in the folder of `path` that no other process uses."""
    return path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}{TEMPORARY_SUFFIX}")


def remove_temporaries(folder: Path, *, below: bool = True) -> None:
    """Remove what killed writers left in a folder, and (unless not `below`) in those below it.

    Only the one writer of these folders may call this.
    """
    pattern = f".*{TEMPORARY_SUFFIX}"
    for leftover in list(folder.rglob(pattern) if below else folder.glob(pattern)):
        leftover.unlink(missing_ok=True)
