"""notes.json: the user's note and tags of a run, a sweep or a report.

It lies beside run.json, because a run's own record is never edited. Nothing else reads it.
"""

import json
import os
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from mnistlab.store.json_fields import JsonTypeError, as_json, read_record
from mnistlab.support import durable
from mnistlab.support.errors import UsageError
from mnistlab.support.locks import lock_if_possible
from mnistlab.support.near_names import nearest
from mnistlab.support.platform import system
from mnistlab.support.safe_files import inside, read_artefact

NOTES_NAME = "notes.json"
MAX_NOTE = 10_000  # characters
MAX_NOTES_BYTES = 1 << 20
TAG = re.compile(r"\w[\w.-]{0,63}")
TAG_RULE = "up to 64 letters, digits, . _ -, not beginning with . or -"


@dataclass(frozen=True)
class Notes:
    """The user's note, None if there is none, and the tags in the order in which they were set."""

    note: str | None = None
    tags: tuple[str, ...] = ()


NO_NOTES = Notes()


def read_notes(folder: Path) -> Notes:
    """The note and the tags of the run, sweep or report in a folder.

    Raises UsageError that names the file if it is damaged.
    """
    path = folder / NOTES_NAME
    if not os.path.lexists(path):
        return NO_NOTES
    try:
        found = json.loads(read_artefact(path, MAX_NOTES_BYTES).decode())
        notes: Notes = read_record(Notes, found)
    except JsonTypeError as error:
        raise UsageError(f"{path}: {error}") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: is not JSON: {error}") from error
    return notes


def set_note(folder: Path, note: str | None) -> Notes:
    """Replace the note; None or a blank text removes it. Returns what is stored then.

    Raises UsageError if the note is too long, or what is stored is damaged; OSError.
    """
    text = (note or "").strip()
    if len(text) > MAX_NOTE:
        raise UsageError(f"note: has {len(text):,} characters, more than {MAX_NOTE:,}")
    if any(0xD800 <= ord(letter) <= 0xDFFF for letter in text):
        raise UsageError("note: is not UTF-8")
    return _change(folder, lambda notes: replace(notes, note=text or None))


def change_tags(folder: Path, add: Iterable[str] = (), remove: Iterable[str] = ()) -> Notes:
    """Add and remove tags; a tag that is there already stays, and one that is not there is not
    removed. Returns what is stored then.

    Raises UsageError, and changes nothing, for a text that cannot be a tag; OSError.
    """
    added, removed = tuple(dict.fromkeys(add)), frozenset(remove)
    for tag in added:
        refuse_no_tag(tag)
    both = sorted(removed.intersection(added))
    if both:
        raise UsageError(f"tag: {both[0]!r} cannot be added and removed at the same time")

    def changed(notes: Notes) -> Notes:
        kept = (tag for tag in notes.tags if tag not in removed)
        return replace(notes, tags=tuple(dict.fromkeys((*kept, *added))))

    return _change(folder, changed)


def refuse_no_tag(tag: str) -> None:
    """Raise UsageError for a text that cannot be a tag."""
    if not TAG.fullmatch(tag):
        raise UsageError(f"tag: found {tag!r}, must be {TAG_RULE}")


def not_there(removed: Iterable[str], tags: Collection[str]) -> list[str]:
    """For people: each of the removed tags that is not among `tags`, with the nearest that is."""
    return [f"tag {tag!r} was not there{_near(tag, tags)}" for tag in removed if tag not in tags]


def _near(tag: str, tags: Collection[str]) -> str:
    near = nearest(tag, tags)
    if near is not None:
        return f"; did you mean {near}?"
    return f"; found {', '.join(tags)}" if tags else ""


def _change(folder: Path, changed: Callable[[Notes], Notes]) -> Notes:
    # The folder around is locked, because a process that trains the run holds the run's own lock.
    with system.folder_to_lock(folder.parent) as descriptor:
        lock_if_possible(descriptor, folder.parent, wait=True)
        before = read_notes(folder)
        notes = changed(before)
        if notes != before:
            text = json.dumps(as_json(notes), indent=2, ensure_ascii=False)
            durable.write_file(inside(folder / NOTES_NAME), f"{text}\n")
    return notes
