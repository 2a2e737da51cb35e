"""Finds runs, sweeps and reproduced reports at a path."""

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from mnistlab.store.report_dir import ReportDir, is_reproduction
from mnistlab.store.run_dir import CONFIG_NAME, SWEEP_NAME, open_run
from mnistlab.store.sweep_dir import SweepDir
from mnistlab.support.errors import UsageError
from mnistlab.support.links import follow, resolved, target_of
from mnistlab.support.paths import as_typed


def is_sweep(folder: Path) -> bool:
    """Whether the folder is a sweep's."""
    return (follow(folder) / SWEEP_NAME).is_file()


def entries_in(folder: Path) -> list[Path]:
    """The runs, sweeps and reports in a folder, by name: the oldest first, because names begin with
    the time. Links, such as `latest`, are left out.
    """
    found = [
        Path(entry.path)
        for entry in os.scandir(folder)
        if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)
    ]
    return sorted(path for path in found if is_run_or_sweep(path))


def is_run_or_sweep(folder: Path) -> bool:
    """Whether a folder is a run's, a sweep's or a report's; also if it may not be read: reading it
    reports that.
    """
    try:
        return (
            (follow(folder) / CONFIG_NAME).is_file() or is_sweep(folder) or is_reproduction(folder)
        )
    except PermissionError:
        return True


def open_entry(path: Path) -> Path:
    """The folder of the run, sweep or report at `path`, links followed.

    Raises UsageError that says what is there instead.
    """
    if is_sweep(path) or is_reproduction(path):
        return resolved(path)
    return open_run(path).path


def runs_at(paths: Iterable[Path]) -> list[Path]:
    """The run folders at each path, without duplicates: a run's own, those of a sweep's trials or
    of a report's experiments, or those of all runs, sweeps and reports in a folder.

    Raises UsageError, saying what the path is, if it is none of these.
    """
    found: dict[Path, None] = {}
    for path in paths:
        found |= dict.fromkeys(_runs_at(path))
    return list(found)


def _runs_at(path: Path) -> list[Path]:
    if (follow(path) / CONFIG_NAME).is_file():
        return [resolved(path)]
    if is_sweep(path):
        return trials_of(resolved(path))
    if is_reproduction(path):
        return [run for sweep in experiments_of(resolved(path)) for run in trials_of(sweep)]
    inside = entries_in(path) if path.is_dir() else []
    if not inside:
        open_run(path)  # raises an error that says what is there instead
    return [run for entry in inside for run in _runs_at(entry)]


def best_of(path: Path, tell: Callable[[str], None] = lambda text: None) -> Path:
    """The folder of a sweep's best trial, of which `tell` is told; of a run the path itself.

    Raises UsageError if the sweep has no best trial yet.
    """
    if not is_sweep(path):
        return path
    best = SweepDir(resolved(path)).best
    if not (best / CONFIG_NAME).is_file():
        raise UsageError(f"{path}: is a sweep without a best trial yet; `mnistlab resume` it first")
    tell(f"{path} is a sweep: using its best trial, {as_typed(best.resolve())}")
    return best


def is_link_to_sweep(path: Path) -> bool:
    """Whether a path such as `runs/latest` leads to a sweep; it then stands for the best trial."""
    return target_of(path) is not None and is_sweep(path)


def experiments_of(report: Path) -> list[Path]:
    """The sweep folders of a reproduced report's experiments that have begun."""
    experiments = ReportDir(report).experiments
    return entries_in(experiments) if experiments.is_dir() else []


def trials_of(sweep: Path) -> list[Path]:
    """The run folders of a sweep's trials that have begun, in the order of their numbers."""
    trials = SweepDir(sweep).trials
    return entries_in(trials) if trials.is_dir() else []


def folder_names(folders: list[Path]) -> list[str]:
    """The folders relative to the innermost folder that contains all of them."""
    above = os.path.commonpath([folder.parent for folder in folders])
    return [str(folder.relative_to(above)) for folder in folders]


def trial_name(name: str) -> str:
    """A folder's name; a trial's as its sweep's and its number, which no narrow column cuts off."""
    return re.sub(r"/trials/(\d{4,})-[0-9a-f]{12}$", r"/trials/\1", name)
