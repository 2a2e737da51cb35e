"""Files that mnistlab writes for people: figures, pages, exports. Only its own are overwritten.

Such a file has a mark: the SHA-256 of the file with the 64 digits of the mark as zeros. A file that
was edited, or that has no mark, belongs to the user.
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
# What a format may hold as a text of its own: `marked` fills in its digits.
BLANK_MARK = (MARK + NO_DIGEST).decode()
MARKED = re.compile(re.escape(MARK) + rb"([0-9a-f]{64})")
PNG_START = b"\x89PNG\r\n\x1a\n"
PNG_END = struct.pack(">I", 0) + b"IEND" + struct.pack(">I", zlib.crc32(b"IEND"))
PNG_TEXT = b"tEXtmnistlab\0"
# What can stand behind the end of a file and means nothing there.
COMMENTS = {
    "svg": b"<!-- %s -->\n",
    "html": b"\n<!-- %s -->\n",
    "md": b"\n<!-- %s -->\n",
    "pdf": b"%% %s\n",
}


def marked(content: bytes, format: str | None = None) -> bytes:
    """The content with its mark: of a png, svg, pdf, html or md; of None it holds BLANK_MARK."""
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
    """Raise UsageError naming each path where something lies that mnistlab did not write.

    `force` lets files pass, not folders; `hint` says what the user can do.
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
            *(f"{path}: exists, not as mnistlab wrote it; it is not overwritten" for path in taken),
            *([hint] if hint else []),
        )


def write_own(
    path: Path, content: bytes, format: str | None = None, *, force: bool = False
) -> None:
    """Write the content as `marked`; raises UsageError as `refuse_others` does, OSError."""
    refuse_others([path], force=force)
    durable.write_file(path, marked(content, format))


def _digest(content: bytes, start: int) -> bytes:
    """The digest, in hexadecimal, of the content with the 64 digits at `start` as zeros; of a PNG
    with the checksum of their chunk as zeros too.
    """
    is_png = content.startswith(PNG_START)
    return digest_without(content, start, NO_DIGEST + bytes(4) if is_png else NO_DIGEST)


def _marked_png(content: bytes) -> bytes:
    """A PNG with a chunk of text before its end."""
    text = PNG_TEXT + MARK
    size = struct.pack(">I", len(text) - 4 + len(NO_DIGEST))
    before, after = content.removesuffix(PNG_END) + size + text, PNG_END
    digest = _digest(before + NO_DIGEST + bytes(4) + after, len(before))
    checksum = struct.pack(">I", zlib.crc32(text + digest))
    return before + digest + checksum + after
