"""Pass finished runs and sweeps on to an experiment tracker."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mnistlab.store.browse.found import is_sweep, trials_of
from mnistlab.store.run_dir import RunDir, open_run
from mnistlab.store.sweep_dir import SweepDir
from mnistlab.support.errors import MnistlabError, UsageError
from mnistlab.support.links import resolved


@dataclass(frozen=True)
class ExportedRuns:
    """The tracker, the folder of its files, the number of runs, and what shows them, for people."""

    tracker: str
    folder: Path
    runs: int
    shown_by: str


def export_tracked(paths: Sequence[Path], tracker: str, output: Path | None = None) -> ExportedRuns:
    """Pass runs, and the trials of sweeps, on to a tracker, into its folder `output` or that beside
    the first of them, where `--track` writes, too. What is there already is not written again.

    Raises UsageError if a path is neither a run nor a sweep, or if the tracker is not installed or
    fails.
    """
    from mnistlab.tracking.receivers import Stored
    from mnistlab.tracking.run_follower import RunFollower
    from mnistlab.tracking.sweep_follower import SweepFollower
    from mnistlab.tracking.trackers import TRACKERS, connected, store_folder

    folders = [resolved(path) if is_sweep(path) else open_run(path).path for path in paths]
    folder = output or store_folder(_runs_dir(folders[0]), tracker)
    count = 0
    try:
        receiver = Stored(connected(tracker, folder))
        for one in folders:
            if is_sweep(one):
                SweepFollower(SweepDir(one), receiver).end()
            else:
                RunFollower(RunDir(one), receiver).end()
            count += len(trials_of(one)) if is_sweep(one) else 1
    except MnistlabError:
        raise
    except Exception as error:  # another program may raise anything
        raise UsageError(f"{folder}: {tracker} failed: {error}") from error
    return ExportedRuns(tracker, folder, count, TRACKERS[tracker].shown_by(folder))


def _runs_dir(folder: Path) -> Path:
    """The folder of runs that a run or sweep is in; of a trial, the one that its sweep is in."""
    around = folder.parent.parent
    return around.parent if is_sweep(around) else folder.parent
