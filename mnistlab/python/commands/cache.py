"""What is in the cache folder, and the removal of what is not needed any more."""

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mnistlab.data.cache import DATASETS_NAME, lookups
from mnistlab.runtime.compiler import ABOUT_NAME, kernel_folder
from mnistlab.support.cache_use import unused, use_lock
from mnistlab.support.locks import NO_LOCKS
from mnistlab.support.paths import cache_dir
from mnistlab.support.safe_files import read_file

MAX_ABOUT_BYTES = 1 << 16
DAYS_TO_KEEP = 30  # decoded datasets that nothing reads
KERNELS, DATASET = "kernels", "dataset"
IN_USE = "a process uses it"
NO_LOCK = "its file system has no locks, so that nothing tells whether a process uses it"


@dataclass(frozen=True)
class CacheEntry:
    """A folder in the cache, and when it was last used.

    `about` says what it is for. `needed` are kernels that this installation loads on this
    processor, and datasets that were read within DAYS_TO_KEEP.
    """

    path: Path
    kind: str  # kernels or dataset
    about: str
    bytes: int
    used: datetime
    needed: bool


@dataclass(frozen=True)
class PrunedCache:
    """The entries that were removed, or would be, and why others that are not needed were left."""

    removed: tuple[CacheEntry, ...]
    left: Mapping[Path, str]

    @property
    def bytes(self) -> int:
        return sum(entry.bytes for entry in self.removed)


def cache_entries() -> list[CacheEntry]:
    """The folders of compiled kernels and decoded datasets in the cache, by their paths."""
    return [*_kernels(), *_datasets()]


def prune_cache(*, everything: bool = False, dry_run: bool = False) -> PrunedCache:
    """Remove the entries that are not needed, or `everything`; never one that a process uses.

    Raises OSError.
    """
    removed, left = [], {}
    for entry in cache_entries():
        if entry.needed and not everything:
            continue
        if why := _removed(entry, dry_run):
            left[entry.path] = why
        else:
            removed.append(entry)
    return PrunedCache(tuple(removed), left)


def _removed(entry: CacheEntry, dry_run: bool) -> str | None:
    """Remove an entry, or find out whether it can be; if not, why."""
    try:
        with unused(entry.path) as is_unused:
            if not is_unused:
                return IN_USE
            if not dry_run:
                for lookup in lookups(entry.path.parent, entry.path.name):
                    lookup.unlink()
                shutil.rmtree(entry.path)
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        return NO_LOCK
    return None


def _kernels() -> Iterator[CacheEntry]:
    needed = kernel_folder()
    for path in _folders(needed.parent):
        yield _entry(path, KERNELS, _about_kernels(path), needed=path == needed)


def _datasets() -> Iterator[CacheEntry]:
    around = cache_dir() / DATASETS_NAME
    for path in _folders(around):
        if "-" in path.name:  # not the folder of lookups
            entry = _entry(path, DATASET, path.name.rpartition("-")[0], needed=False)
            is_recent = datetime.now(UTC) - entry.used < timedelta(days=DAYS_TO_KEEP)
            yield replace(entry, needed=is_recent and bool(lookups(around, path.name)))


def _folders(around: Path) -> list[Path]:
    """The folders in a folder of the cache, without those in the making, by name."""
    if not around.is_dir():
        return []
    return sorted(p for p in around.iterdir() if p.is_dir() and not p.name.startswith("."))


def _entry(path: Path, kind: str, about: str, *, needed: bool) -> CacheEntry:
    size = sum(file.lstat().st_size for file in path.rglob("*") if file.is_file())
    lock = use_lock(path)
    used = (lock if lock.exists() else path).stat().st_mtime
    return CacheEntry(path, kind, about, size, datetime.fromtimestamp(used, UTC), needed)


def _about_kernels(path: Path) -> str:
    """For which versions a folder's code was compiled; versions before this one wrote nothing."""
    try:
        facts = json.loads(read_file(path / ABOUT_NAME, MAX_ABOUT_BYTES))
    except FileNotFoundError:
        return "an older version"
    except (OSError, ValueError):
        return "unknown"
    if not isinstance(facts, dict):
        return "unknown"
    named = (f"{name} {facts.get(name)}" for name in ("mnistlab", "numba", "python"))
    return ", ".join(named)
