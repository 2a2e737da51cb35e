"""Lists the runs and sweeps of a folder."""

from dataclasses import dataclass
from pathlib import Path

from mnistlab.store.browse.found import entries_in, is_sweep, trials_of
from mnistlab.store.browse.summary import RunSummary, SweepSummary, read_run, read_sweep
from mnistlab.store.run_dir import CONFIG_NAME
from mnistlab.support.errors import UsageError


@dataclass(frozen=True)
class Listing:
    """The content of a folder, the oldest first; `faults` describe what could not be read."""

    folder: Path
    entries: tuple[RunSummary | SweepSummary, ...]
    faults: tuple[str, ...]


def list_runs(folder: Path) -> Listing:
    """The runs and sweeps in a folder of runs, or the trials of a sweep.

    Raises UsageError if there is no such folder, or if it is a run's folder.
    """
    if (folder / CONFIG_NAME).is_file():
        raise UsageError(f"{folder}: is one run; name the folder that contains it")
    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no such folder")
    folder = folder.resolve()
    entries: list[RunSummary | SweepSummary] = []
    faults: list[str] = []
    for path in trials_of(folder) if is_sweep(folder) else entries_in(folder):
        try:
            entries.append(read_sweep(path) if is_sweep(path) else read_run(path))
        except UsageError as error:
            faults += error.messages
        except PermissionError as error:
            faults.append(f"{error.filename}: {error.strerror}")
    return Listing(folder, tuple(entries), tuple(faults))
