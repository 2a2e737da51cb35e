"""Files that mnistlab writes for people: figures, pages, exports. It overwrites only its own files.

Such a file has a mark: the SHA-256 of the file with zeros for the 64 digits of the mark. A file
that was edited, or has no mark, belongs to the user.
"""

import os
import re
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path

from mnistlab.support import durable
from mnistlab.support.digests import NO_DIGEST, digest_without
from mnistlab.support.errors import UsageError
from mnistlab.support.safe_files import read_file

MARK = b"mnistlab sha256 "
# The mark with blank digits, as a format may contain it; `marked` fills in the digits.
BLANK_MARK = (MARK + NO_DIGEST).decode()
MARKED = re.compile(re.escape(MARK) + rb"([0-9a-f]{64})")
PNG_START = b"\x89PNG\r\n\x1a\n"
PNG_END = struct.pack(">I", 0) + b"IEND" + struct.pack(">I", zlib.crc32(b"IEND"))
PNG_TEXT = b"tEXtmnistlab\0"
# Bytes that may follow the end of a file without a meaning.
COMMENTS = {
    "svg": b"<!-- %s -->\n",
    "html": b"\n<!-- %s -->\n",
    "md": b"\n<!-- %s -->\n",
    "pdf": b"%% %s\n",
}


def marked(content: bytes, format: str | None = None) -> bytes:
    """The content with its mark: for png, svg, pdf, html or md; for None it contains BLANK_MARK."""
    if format == "png":
        return _marked_png(content)
    if format is not None:
        content += COMMENTS[format] % BLANK_MARK.encode()
    start = content.rindex(BLANK_MARK.encode()) + len(MARK)
    digest = _digest(content, start)
    return content[:start] + digest + content[start + len(digest) :]


def is_own(path: Path) -> bool:
    """Whether mnistlab wrote the file and it has not changed since."""
    if path.is_symlink():
        return False
    try:
        content = read_file(path)
    except OSError:
        return False
    marks = list(MARKED.finditer(content))
    return bool(marks) and _digest(content, marks[-1].start(1)) == marks[-1][1]


def refuse_others(paths: Iterable[Path], *, force: bool = False, hint: str = "") -> None:
    """Raise UsageError that names each path with a file that mnistlab did not write.

    `force` allows files, not folders; `hint` says what the user can do.
    """
    taken = [
        path
        for path in paths
        if os.path.lexists(path)
        and not is_own(path)
        and not (force and (path.is_symlink() or path.is_file()))
    ]
    if taken:
        raise UsageError(
            *(
                f"{path}: exists and was not written by mnistlab, or was edited; it is not "
                "overwritten"
                for path in taken
            ),
            *([hint] if hint else []),
        )


def write_own(
    path: Path, content: bytes, format: str | None = None, *, force: bool = False
) -> None:
    """Write the content as `marked`; raises UsageError as `refuse_others` does; OSError."""
    refuse_others([path], force=force)
    durable.write_file(path, marked(content, format))


def _digest(content: bytes, start: int) -> bytes:
    """The digest, in hexadecimal, of the content with zeros for the 64 digits at `start`; for a PNG
    also with zeros for the checksum of their chunk.
    """
    is_png = content.startswith(PNG_START)
    return digest_without(content, start, NO_DIGEST + bytes(4) if is_png else NO_DIGEST)


def _marked_png(content: bytes) -> bytes:
    """A PNG with a text chunk before its end."""
    text = PNG_TEXT + MARK
    size = struct.pack(">I", len(text) - 4 + len(NO_DIGEST))
    before, after = content.removesuffix(PNG_END) + size + text, PNG_END
    digest = _digest(before + NO_DIGEST + bytes(4) + after, len(before))
    checksum = struct.pack(">I", zlib.crc32(text + digest))
    return before + digest + checksum + after
