"""What changed in a folder of runs: only folders whose files changed are read again."""

import hashlib
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import Any

from mnistlab.store.browse.changed_data import settings_with_digests
from mnistlab.store.browse.comparison import comparison_of
from mnistlab.store.browse.listing import Entry, folders_in, read_entry
from mnistlab.store.browse.summary import RunSummary
from mnistlab.store.browse.values import entry_values, matching
from mnistlab.store.locks import is_trained, is_worked_on
from mnistlab.store.notes import NOTES_NAME
from mnistlab.store.run_dir import CONFIG_NAME, METRICS_NAME, SWEEP_NAME
from mnistlab.store.status import Status
from mnistlab.store.sweep_dir import SweepDir
from mnistlab.support.errors import MnistlabError, UsageError
from mnistlab.support.expressions import parsed
from mnistlab.view.rows import damaged_row, row_of

LEAST_SECONDS = 0.5  # between two looks at a folder, however many ask
SHOWN_KEYS = 6  # of a configuration, if none are asked for
# Files whose change changes a row.
WATCHED = (
    *(CONFIG_NAME, "run.json", METRICS_NAME, NOTES_NAME),
    *(SWEEP_NAME, "trials.csv", "ranking.csv", "report.yaml"),
)
Mark = tuple[Any, ...]


@dataclass(frozen=True)
class Item:
    """A folder as it was read last. `entry` is None if it is damaged; `version` is that of the
    library in which its row changed.
    """

    path: Path
    mark: Mark
    entry: Entry | None
    row: dict[str, Any]
    values: dict[str, Any]
    version: int


@dataclass(frozen=True)
class Changes:
    """The rows that changed since a version, by id, and the ids that are gone. `shown` are the ids
    that match a condition, None without one. `keys` are those whose values the rows have.
    """

    version: int
    rows: dict[str, dict[str, Any]]
    gone: list[str]
    shown: list[str] | None
    keys: list[str]
    fault: str | None


def id_of(name: str) -> str:
    """The id of a folder. An address has no path in it: nothing outside can be named."""
    return hashlib.sha256(os.fsencode(name)).hexdigest()[:16]


class Library:
    """The entries of a folder of runs, of a sweep or of a report."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._items: dict[str, Item] = {}
        self._gone: dict[str, int] = {}
        self._inner: dict[str, Library] = {}
        self._version = 0
        self._looked = -LEAST_SECONDS
        self._fault: str | None = None

    def changes(self, since: int, where: str | None, keys: Sequence[str] | None) -> Changes:
        """What changed since a version; 0 asks for everything.

        Raises UsageError if the condition cannot be used.
        """
        condition = parsed(where) if where else None
        with self._lock:
            self._look()
            items, gone, version = dict(self._items), dict(self._gone), self._version
            fault = self._fault
        shown = None
        whole = {id: item for id, item in items.items() if item.entry is not None}
        if condition is not None:
            values = [item.values for item in whole.values()]
            shown = list(compress(whole, matching(condition, values)))
        wanted = _differing(whole.values()) if keys is None else keys
        rows = {
            id: {**item.row, "values": {key: _shown(item.values.get(key)) for key in wanted}}
            for id, item in items.items()
            if item.version > since
        }
        left = [id for id, at in gone.items() if at > since]
        return Changes(version, rows, left, shown, list(wanted), fault)

    def find(self, id: str) -> Item:
        """An entry by its id; of one inside a sweep `ID.ID`. Raises UsageError if it is gone."""
        first, _, rest = id.partition(".")
        with self._lock:
            self._look()
            item = self._items.get(first)
        if item is None:
            raise UsageError(f"{self.folder}: the run is gone, or was renamed")
        return self.inside(first).find(rest) if rest else item

    def inside(self, id: str) -> "Library":
        """The trials of a sweep, or the experiments of a report."""
        first, _, rest = id.partition(".")
        path = self.find(first).path
        with self._lock:
            inner = self._inner.get(first)
            if inner is None or inner.folder != path:
                inner = self._inner[first] = Library(path)
        return inner.inside(rest) if rest else inner

    def _look(self) -> None:
        """Read what changed since the last look."""
        now = time.monotonic()
        if now - self._looked < LEAST_SECONDS:
            return
        version = self._version + 1
        try:
            folders, self._fault = folders_in(self.folder), None
        except (MnistlabError, OSError) as error:
            folders, self._fault = [], f"{self.folder}: cannot be read: {_words(error)}"
        found = {id_of(path.name): path for path in folders}
        for id, path in found.items():
            before = self._items.get(id)
            item = _looked_at(path, before, version)
            if item is not before:
                self._items[id] = item
                if item.version == version:
                    self._version = version
        for id in self._items.keys() - found.keys():
            del self._items[id]
            self._inner.pop(id, None)
            self._gone[id] = self._version = version
        for id in self._gone.keys() & found.keys():
            del self._gone[id]
        self._looked = time.monotonic()


def _looked_at(path: Path, before: Item | None, version: int) -> Item:
    """The entry as it is now; `before` itself if nothing has changed."""
    mark = _mark(path, before)
    if before is not None and before.mark == mark and not _is_moving(before):
        return before
    entry, values = None, {}
    try:
        entry = read_entry(path)
        row, values = row_of(entry), entry_values(entry)
    except (MnistlabError, OSError) as error:
        row = damaged_row(path, (_words(error),))
    told = (row, values, mark[1:])  # whether the lock is held is in the row
    if before is not None and told == (before.row, before.values, before.mark[1:]):
        version = before.version
    return Item(path, mark, entry, row, values, version)


def _is_moving(item: Item) -> bool:
    """Whether it changes with the files of its trials."""
    entry = item.entry
    return not isinstance(entry, RunSummary | None) and entry.status is Status.RUNNING


def _mark(path: Path, before: Item | None) -> Mark:
    """What changes when the files of a folder change: sizes and times; and of a run that says that
    it is in progress, whether a process trains it.
    """
    held = None
    if before is not None and isinstance(before.entry, RunSummary):
        if before.entry.alive is not None:
            held = _held(lambda: is_trained(path))
    elif before is not None:
        held = _held(lambda: is_worked_on(SweepDir(path)))
    return (held, *(_stamp(path / name) for name in WATCHED))


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _held(look: Callable[[], bool | None]) -> bool | None:
    try:
        return look()
    except OSError:
        return None  # removed, or not a lock that may be opened


def _words(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _differing(items: Any) -> list[str]:
    """The keys in which the runs differ, as `compare` shows them; only the first."""
    runs = [item.entry for item in items if isinstance(item.entry, RunSummary)]
    if len(runs) < 2:
        return []
    comparison = comparison_of(runs, settings_with_digests(runs), ())
    return comparison.shown_keys[:SHOWN_KEYS]


def _shown(value: Any) -> Any:
    """A setting for a cell: a list as text."""
    return value if isinstance(value, int | float | str | None) else str(value)
