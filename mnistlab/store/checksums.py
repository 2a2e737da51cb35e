"""Verifies by its SHA-256 that a file is unchanged.

A digest is stored so that no crash can make it differ from its file. A file that is written at once
contains its digest (run.json, safetensors, config.yaml, sweep.yaml). The digest of a growing table
is in the checkpoint to which the table is truncated, and in the run.json of an ended run.
"""

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from mnistlab.support.errors import UsageError
from mnistlab.support.safe_files import open_artefact, read_artefact

MAX_CONFIG_BYTES = 1 << 24
CHECKSUM_LINE = "# sha256 of the text below: "
# Without the end of the line: if that is damaged, the next line becomes part of the comment.
CHECKSUM = re.compile(rb"\A# sha256 of (?:the text|what stands) below: ([0-9a-f]{64})")


@dataclass(frozen=True)
class FileDigest:
    """The length of a file, or of its beginning, in bytes, and its SHA-256 in hexadecimal."""

    length: int = field(metadata={"key": "bytes"})  # its name in JSON
    sha256: str

    @classmethod
    def of(cls, content: bytes) -> Self:
        """The digest of a file with this content."""
        return cls(len(content), hashlib.sha256(content).hexdigest())

    @classmethod
    def from_json(cls, stated: Any) -> Self | None:
        """The digest in a JSON object; None for anything else."""
        if not isinstance(stated, Mapping):
            return None
        length, sha256 = stated.get("bytes"), stated.get("sha256")
        return cls(length, sha256) if isinstance(length, int) and isinstance(sha256, str) else None

    def refuse_longer(self, path: Path) -> None:
        """Raise UsageError for a file of another size before it is read, to save memory."""
        if path.exists() and (size := path.stat().st_size) > self.length:
            raise UsageError(f"{path}: is damaged: it has {size:,} bytes, not {self.length:,}")

    def read(self, path: Path, *, more_may_follow: bool = False) -> bytes:
        """The content of a file of this length, or the first part of a longer one.

        Raises UsageError that names the file if it differs; its size is checked before it is read.
        """
        with open_artefact(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size < self.length or (size > self.length and not more_may_follow):
                raise UsageError(f"{path}: is damaged: it has {size:,} bytes, not {self.length:,}")
            content = file.read(self.length)
        if FileDigest.of(content) != self:
            raise UsageError(f"{path}: is damaged, or was edited: its SHA-256 has changed")
        return content


def with_checksum(text: str) -> str:
    """A YAML text with its digest as a comment above: the end of a file may be lost."""
    return f"{CHECKSUM_LINE}{hashlib.sha256(text.encode()).hexdigest()}\n{text}"


def is_as_written(path: Path) -> bool:
    """Whether a text has a digest above it, and is the one that the digest was taken of."""
    content = read_artefact(path, MAX_CONFIG_BYTES)
    stated = CHECKSUM.match(content)
    return stated is not None and _is_of(stated, content)


def _is_of(stated: re.Match[bytes], content: bytes) -> bool:
    text = content[stated.end() :]
    return text[:1] == b"\n" and hashlib.sha256(text[1:]).hexdigest().encode() == stated[1]


def refuse_wrong_checksum(path: Path) -> None:
    """Raise UsageError if a text does not match its digest.

    A text without a digest passes: configurations may be written by hand.
    """
    content = read_artefact(path, MAX_CONFIG_BYTES)
    stated = CHECKSUM.match(content)
    if stated is not None and not _is_of(stated, content):
        raise UsageError(
            f"{path}: is damaged, or was edited: the text is not the one that the SHA-256 in its "
            "first line was taken of; without that line it is not checked"
        )
