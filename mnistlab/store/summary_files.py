"""trials.csv and ranking.csv: summaries of the folders, written as trials end, and checked.

A CSV file has no place for a digest, so .checksums.json keeps them. It is written first, and knows
the digest of the old text and of the new one: whenever a process dies, what stands is one of both.
"""

import json
from pathlib import Path
from typing import Any

from mnistlab.store.checksums import FileDigest
from mnistlab.support import durable
from mnistlab.support.errors import UsageError
from mnistlab.support.safe_files import read_artefact

CHECKSUMS_NAME = ".checksums.json"


def write_summary(path: Path, text: str) -> None:
    """Write a summary, and its digest before it. Raises OSError; the file is then as it was."""
    try:
        known = _known(path)
    except UsageError:
        known = {}  # the folders have all that the summaries and their digests say
    before = [FileDigest.of(read_artefact(path)).sha256] if path.exists() else []
    after = FileDigest.of(text.encode()).sha256
    digests = {**known, path.name: [*before, after]}
    durable.write_file(path.with_name(CHECKSUMS_NAME), json.dumps(digests, indent=1) + "\n")
    durable.write_file(path, text)


def read_summary(path: Path) -> str:
    """The text of a summary; raises UsageError where it is missing or is not what was written.

    One of which no digest was kept is taken as it stands.
    """
    text = durable.read_text(path)
    while not _is_known(path, text):
        again = durable.read_text(path)
        if again == text:
            raise UsageError(
                f"{path}: is damaged, or was edited: its SHA-256 is not in {CHECKSUMS_NAME}; "
                f"`mnistlab resume {path.parent}` writes it again from the trials' folders"
            )
        text = again  # a sweep under way has written it meanwhile
    return text


def _is_known(path: Path, text: str) -> bool:
    digests = _known(path).get(path.name)
    return digests is None or FileDigest.of(text.encode()).sha256 in digests


def _known(path: Path) -> dict[str, Any]:
    """The digests of the summaries in the folder of `path`; nothing where none were kept."""
    checksums = path.with_name(CHECKSUMS_NAME)
    if not checksums.exists():
        return {}
    try:
        known = json.loads(durable.read_text(checksums))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{checksums}: is damaged: {error}") from error
    if not isinstance(known, dict):
        raise UsageError(f"{checksums}: is damaged: it is no JSON object")
    return known
