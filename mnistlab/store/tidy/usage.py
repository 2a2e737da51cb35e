"""What runs, sweeps and reports take on the disk, by kind of file."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mnistlab.store.browse.found import entries_in, is_run_or_sweep, open_entry
from mnistlab.store.folder import PLOTS_NAME
from mnistlab.store.tidy.move import TRASH_NAME
from mnistlab.support.errors import UsageError
from mnistlab.support.run_weights import CHECKPOINTS_NAME

CHECKPOINTS, WEIGHTS, FIGURES, PAGES, TABLES, OTHER = KINDS = (
    "checkpoints",
    "weights",
    "figures",
    "pages",
    "tables",
    "other",
)
BY_FOLDER = {CHECKPOINTS_NAME: CHECKPOINTS, PLOTS_NAME: FIGURES}
BY_SUFFIX = {
    **dict.fromkeys((".safetensors", ".npz", ".onnx"), WEIGHTS),
    **dict.fromkeys((".html", ".md"), PAGES),
    ".csv": TABLES,
}


@dataclass(frozen=True)
class Usage:
    """What a folder takes: bytes by kind of file. Links are not followed."""

    path: Path
    kinds: dict[str, int]

    @property
    def total(self) -> int:
        """All bytes."""
        return sum(self.kinds.values())


def usage_at(paths: Iterable[Path]) -> list[Usage]:
    """What each run, sweep or report takes, and each of those in a folder, with its trash; the
    largest first.

    Raises UsageError for a path that is none of these; OSError for a folder that cannot be read.
    """
    folders = dict.fromkeys(folder for path in paths for folder in _folders(path))
    return sorted(map(_usage, folders), key=lambda one: one.total, reverse=True)


def _folders(path: Path) -> list[Path]:
    if not is_run_or_sweep(path) and path.is_dir():
        around = path.resolve()
        trash = around / TRASH_NAME
        inside = [*entries_in(around), *([trash] if trash.is_dir() else [])]
        if inside:
            return inside
        raise UsageError(f"{path}: no run is in this folder")
    return [open_entry(path)]


def _usage(folder: Path) -> Usage:
    kinds = Counter(dict.fromkeys(KINDS, 0))
    for path, size in _files(folder):
        kinds[_kind(path.relative_to(folder))] += size
    return Usage(folder, dict(kinds))


def _files(folder: Path) -> Iterator[tuple[Path, int]]:
    """Every file below a folder with its size; one that has just been removed is left out."""
    for around, _, names in os.walk(folder, onerror=_refuse_unreadable):
        for name in names:
            path = Path(around, name)
            try:
                yield path, path.lstat().st_size
            except FileNotFoundError:  # a run in training replaces its checkpoints
                continue


def _refuse_unreadable(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _kind(path: Path) -> str:
    by_folder = next((BY_FOLDER[part] for part in path.parts[:-1] if part in BY_FOLDER), None)
    return by_folder or BY_SUFFIX.get(path.suffix, OTHER)
