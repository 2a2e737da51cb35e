"""Opens files safely: in folders that may come from a stranger, and paths that a user names.

A pipe would block for ever, a device may be endless, and a link may point out of its folder. Every
file of a run, sweep or report is opened by `open_artefact`, and every folder in one is checked by
`inside`.
"""

import errno
import os
import stat
from io import BufferedReader, BufferedWriter
from pathlib import Path

from mnistlab.support.errors import UsageError
from mnistlab.support.links import follow
from mnistlab.support.memory import available_to_process, lacking
from mnistlab.support.platform import system

# Files up to this size are read without checking the free memory.
SMALL = 1 << 24
KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def open_file(path: Path) -> BufferedReader:
    """Open a regular file for reading; links are followed.

    Raises OSError immediately for anything else.
    """
    return os.fdopen(_regular(os.open(follow(path), os.O_RDONLY | system.NO_WAIT), path), "rb")


def read_file(path: Path, limit: int | None = None) -> bytes:
    """The content of a regular file of at most `limit` bytes that fits into memory.

    Raises OSError before anything is read otherwise.
    """
    with open_file(path) as file:
        return _read(file, path, limit)


def open_artefact(path: Path) -> BufferedReader:
    """Open a file in the folder of a run, sweep or report for reading.

    Raises UsageError if a link points out of its folder, or if it is not a regular file.
    """
    try:
        return open_file(inside(path))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error


def read_artefact(path: Path, limit: int | None = None) -> bytes:
    """The content of a file in the folder of a run, sweep or report.

    Raises UsageError as `open_artefact` does, and if the file has more than `limit` bytes or does
    not fit into memory.
    """
    with open_artefact(path) as file:
        try:
            return _read(file, path, limit)
        except OSError as error:
            raise UsageError(f"{path}: cannot be read: {error.strerror}") from error


def inside(path: Path, folder: Path | None = None) -> Path:
    """The path, if it does not point out of `folder`, its parent by default.

    Raises UsageError if it does.
    """
    direct = folder is None or path.parent == folder
    if direct and path.name != ".." and not path.is_symlink():
        return path
    around = Path(os.path.realpath(folder or path.parent))
    target = Path(os.path.realpath(path))
    if around not in target.parents:
        raise UsageError(
            f"{path}: points to {target}, outside of {around}; nothing is read or written there"
        )
    return path


def open_to_append(path: Path) -> BufferedWriter:
    """Open a regular file, created if missing, for appending.

    Raises UsageError for a link or a pipe; OSError.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | system.NO_WAIT
    try:
        descriptor = system.open_without_links(path, flags, 0o666)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):
            raise UsageError(f"{path}: is a link or a pipe, and is not written to") from error
        raise
    return os.fdopen(_regular(descriptor, path), "ab")


def _read(file: BufferedReader, path: Path, limit: int | None) -> bytes:
    size = os.fstat(file.fileno()).st_size
    if limit is not None and size > limit:
        raise OSError(errno.EFBIG, f"has {size:,} bytes, more than {limit:,}", str(path))
    if size > SMALL and (words := lacking(size, available_to_process())):
        raise OSError(errno.ENOMEM, f"takes {words}", str(path))
    # Not to the end: a file of the kernel may be endless.
    return file.read(size)


def _regular(descriptor: int, path: Path) -> int:
    """The descriptor of a regular file; any other is closed, and OSError is raised."""
    kind = stat.S_IFMT(os.fstat(descriptor).st_mode)
    if kind == stat.S_IFREG:
        return descriptor
    os.close(descriptor)
    if kind == stat.S_IFDIR:
        raise IsADirectoryError(errno.EISDIR, "is a folder, not a file", str(path))
    what = KINDS.get(kind, "of an unknown kind")
    raise OSError(errno.EINVAL, f"is {what}, not a regular file", str(path))
