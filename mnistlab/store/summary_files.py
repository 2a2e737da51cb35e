"""trials.csv and ranking.csv: summaries of the folders, written when trials end, and verified.

A CSV file cannot contain a digest, so .checksums.json has it. It is written first, with the digests
of the old and of the new text: whenever a process is killed, the file matches one of them.
"""

import json
from pathlib import Path
from typing import Any

from mnistlab.store.checksums import FileDigest
from mnistlab.support import durable
from mnistlab.support.errors import UsageError
from mnistlab.support.paths import as_argument
from mnistlab.support.safe_files import read_artefact

CHECKSUMS_NAME = ".checksums.json"


def write_summary(path: Path, text: str) -> None:
    """Write a summary, after its digest. If it raises OSError, the file is unchanged."""
    try:
        known = _known(path)
    except UsageError:
        known = {}  # the folders have everything that the summaries and their digests have
    before = [FileDigest.of(read_artefact(path)).sha256] if path.exists() else []
    after = FileDigest.of(text.encode()).sha256
    digests = {**known, path.name: [*before, after]}
    durable.write_file(path.with_name(CHECKSUMS_NAME), json.dumps(digests, indent=1) + "\n")
    durable.write_file(path, text)


def read_summary(path: Path) -> str:
    """The text of a summary; raises UsageError if it is missing or differs from what was written.

    A text without a stored digest is accepted.
    """
    text = durable.read_text(path)
    while not _is_known(path, text):
        again = durable.read_text(path)
        if again == text:
            raise UsageError(
                f"{path}: is damaged, or was edited: its SHA-256 is not in {CHECKSUMS_NAME}; "
                f"`mnistlab resume {as_argument(path.parent)}` writes it again from the trials' "
                "folders"
            )
        text = again  # a running sweep has just written it
    return text


def _is_known(path: Path, text: str) -> bool:
    digests = _known(path).get(path.name)
    return digests is None or FileDigest.of(text.encode()).sha256 in digests


def _known(path: Path) -> dict[str, Any]:
    """The digests of the summaries in the folder of `path`; empty if none are stored."""
    checksums = path.with_name(CHECKSUMS_NAME)
    if not checksums.exists():
        return {}
    try:
        known = json.loads(durable.read_text(checksums))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{checksums}: is damaged: {error}") from error
    if not isinstance(known, dict):
        raise UsageError(f"{checksums}: is damaged: it is not a JSON object")
    return known
