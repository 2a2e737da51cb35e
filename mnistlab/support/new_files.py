"""Writes files for a user to edit; none that exists is overwritten."""

import os
from collections.abc import Mapping
from pathlib import Path

from mnistlab.support.errors import UsageError


def write_new(contents: Mapping[Path, bytes]) -> None:
    """Write each file with its content; a file that has this content already is kept.

    Raises UsageError and writes none if one exists and differs; also if one cannot be written.
    """
    try:
        missing = [path for path, content in contents.items() if not _holds(path, content)]
        taken = [path for path in missing if os.path.lexists(path)]
        if taken:
            raise UsageError(*(f"{path}: exists and is not overwritten" for path in taken))
        for path in missing:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                file.write(contents[path])
    except OSError as error:
        raise UsageError(f"{error.filename}: cannot be written: {error.strerror}") from error


def _holds(path: Path, content: bytes) -> bool:
    return path.is_file() and path.read_bytes() == content
