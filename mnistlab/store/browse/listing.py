"""Lists the runs, sweeps and reproduced reports of folders."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import compress
from pathlib import Path

from mnistlab.store.browse.comparison import in_order, refuse_unknown
from mnistlab.store.browse.found import entries_in, experiments_of, is_sweep, trials_of
from mnistlab.store.browse.summary import RunSummary, read_run
from mnistlab.store.browse.sweep_summary import (
    ReportSummary,
    SweepSummary,
    ranks_by_several,
    read_report,
    read_sweep,
)
from mnistlab.store.browse.values import entry_values, matching
from mnistlab.store.report_dir import is_reproduction
from mnistlab.store.run_dir import CONFIG_NAME
from mnistlab.support.collector import paused_collector
from mnistlab.support.errors import UsageError
from mnistlab.support.expressions import parsed
from mnistlab.support.links import resolved

Entry = RunSummary | SweepSummary | ReportSummary


@dataclass(frozen=True)
class Listing:
    """The content of folders, the oldest first; `faults` describe what could not be read."""

    folders: tuple[Path, ...]
    entries: tuple[Entry, ...]
    faults: tuple[str, ...]


@paused_collector()
def list_runs(
    paths: Iterable[Path],
    where: str | None = None,
    sort: str | None = None,
    tags: Collection[str] = (),
) -> Listing:
    """The runs, sweeps and reports in each folder of runs, the trials of each sweep, the
    experiments of each report, and each run itself: those that have all `tags` and match a
    condition, sorted by a name that a condition may use. Trials of a sweep that ranks by several
    metrics are in the order of its ranking.

    Raises UsageError if there is no such folder, or if no entry has a name that is used.
    """
    condition = None if where is None else parsed(where)
    folders = list(dict.fromkeys(map(_folder, paths)))
    entries: list[Entry] = []
    faults: list[str] = []
    ranks = {
        (folder, trial): rank
        for folder in filter(is_sweep, folders)
        for trial, rank in ranks_by_several(folder).items()
    }
    for path in dict.fromkeys(path for folder in folders for path in folders_in(folder)):
        try:
            entries.append(_ranked(read_entry(path), ranks))
        except UsageError as error:
            faults += error.messages
        except PermissionError as error:
            faults.append(f"{error.filename}: {error.strerror}")
    entries = [entry for entry in entries if set(tags) <= set(entry.notes.tags)]
    if not all(map(_has_own_order, folders)):
        entries.sort(key=lambda entry: (_started(entry), entry.path.name))
    places = {trial: place for place, trial in enumerate(ranks)}
    entries.sort(key=lambda entry: places.get(_trial(entry), len(places)))
    if condition is not None and entries:
        entries = list(compress(entries, matching(condition, list(map(entry_values, entries)))))
    if sort is not None and entries:
        entries = _sorted(entries, sort)
    return Listing(tuple(folders), tuple(entries), tuple(faults))


def _folder(path: Path) -> Path:
    folder = resolved(path)
    if not folder.is_dir():
        raise UsageError(f"{path}: there is no such folder")
    return folder


def _has_own_order(folder: Path) -> bool:
    """Whether the entries of a folder are numbered: the trials of a sweep, or those of a report."""
    return is_sweep(folder) or is_reproduction(folder)


def _ranked(entry: Entry, ranks: Mapping[tuple[Path, int], int]) -> Entry:
    """A trial with its rank, if it has one."""
    rank = ranks.get(_trial(entry))
    return replace(entry, rank=rank) if isinstance(entry, RunSummary) and rank else entry


def _trial(entry: Entry) -> tuple[Path, int]:
    """The sweep and the number of a trial, by its folder; -1 if it has none."""
    number = entry.path.name.partition("-")[0]
    return entry.path.parent.parent, int(number) if number.isdecimal() else -1


def _started(entry: Entry) -> datetime:
    """The time, to the second, as in the names of folders; a renamed one has none."""
    started = entry.record.started if isinstance(entry, RunSummary) else entry.started
    return started.replace(microsecond=0)


def _sorted(entries: Sequence[Entry], key: str) -> list[Entry]:
    values = list(map(entry_values, entries))
    name = key.removeprefix("-")
    refuse_unknown("--sort", name, list(dict.fromkeys(known for one in values for known in one)))
    return in_order(key, entries, [one.get(name) for one in values])


def folders_in(folder: Path) -> list[Path]:
    """The entries of a folder of runs, the trials of a sweep, or the experiments of a report."""
    if (folder / CONFIG_NAME).is_file():
        return [folder]
    if is_sweep(folder):
        return trials_of(folder)
    return experiments_of(folder) if is_reproduction(folder) else entries_in(folder)


def read_entry(path: Path) -> Entry:
    """The state of a run, sweep or report; raises UsageError that names a damaged file."""
    if is_sweep(path):
        return read_sweep(path)
    return read_report(path) if is_reproduction(path) else read_run(path)
