"""tracking.json: the trackers that a run or a sweep is passed on to, so that a resumed one goes on.

It lies beside run.json, because a run's own record does not depend on who watches it.
"""

import json
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mnistlab.store.json_fields import JsonTypeError, as_json, read_record
from mnistlab.support import durable
from mnistlab.support.errors import UsageError
from mnistlab.support.safe_files import inside, read_artefact

logger = logging.getLogger(__name__)

TRACKED_NAME = "tracking.json"
MAX_TRACKED_BYTES = 1 << 16


@dataclass(frozen=True)
class Tracked:
    """The names of trackers, and the name of the run or sweep there: that of its first folder."""

    name: str
    trackers: tuple[str, ...] = ()


def read_tracked(folder: Path) -> Tracked:
    """The trackers of the run or sweep in a folder; none if it was not tracked.

    Raises UsageError that names the file if it is damaged.
    """
    path = folder / TRACKED_NAME
    if not os.path.lexists(path):
        return Tracked(folder.name)
    try:
        found: Tracked = read_record(
            Tracked, json.loads(read_artefact(path, MAX_TRACKED_BYTES).decode())
        )
    except JsonTypeError as error:
        raise UsageError(f"{path}: {error}") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: is not JSON: {error}") from error
    if Path(found.name).name != found.name or found.name in ("", ".."):
        raise UsageError(f"{path}: name: found {found.name!r}, must be the name of a folder")
    return found


def trackers_of(folder: Path) -> tuple[str, ...]:
    """The trackers that a resumed run or sweep goes on with; none, with a warning, if the file is
    damaged: no run depends on it.
    """
    try:
        return read_tracked(folder).trackers
    except UsageError as error:
        logger.warning("not tracked any more: %s", error)
        return ()


def write_tracked(folder: Path, trackers: Sequence[str]) -> Tracked:
    """Add trackers to those of the run or sweep in a folder; returns all. Raises OSError."""
    before = read_tracked(folder)
    now = Tracked(before.name, tuple(dict.fromkeys((*before.trackers, *trackers))))
    if now != before:
        text = json.dumps(as_json(now), indent=2, ensure_ascii=False)
        durable.write_file(inside(folder / TRACKED_NAME), f"{text}\n")
    return now
