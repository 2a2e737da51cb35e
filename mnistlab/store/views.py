"""trials.csv and ranking.csv: views of the folders, written again as trials end, and checked.

A CSV file has no place for a digest, so .checksums.json keeps them. It is written first, and knows
the digest of the old text and of the new one: whenever a process dies, what stands is one of both.
"""

import json
from pathlib import Path
from typing import Any

from mnistlab.store.checksums import Extent
from mnistlab.support import durable
from mnistlab.support.errors import UsageError
from mnistlab.support.safe_files import read_artefact

CHECKSUMS_NAME = ".checksums.json"


def write_view(path: Path, text: str) -> None:
    """Write a view, and its digest before it. Raises OSError; the view is then as it was."""
    try:
        known = _known(path)
    except UsageError:
        known = {}  # views are made of what the folders say, and their digests of the views
    before = [Extent.of(read_artefact(path)).sha256] if path.exists() else []
    after = Extent.of(text.encode()).sha256
    digests = {**known, path.name: [*before, after]}
    durable.write_file(path.with_name(CHECKSUMS_NAME), json.dumps(digests, indent=1) + "\n")
    durable.write_file(path, text)


def read_view(path: Path) -> str:
    """The text of a view; raises UsageError where it is missing or is not what was written.

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
    return digests is None or Extent.of(text.encode()).sha256 in digests


def _known(path: Path) -> dict[str, Any]:
    """The digests of the views in the folder of `path`; nothing where none were kept."""
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
