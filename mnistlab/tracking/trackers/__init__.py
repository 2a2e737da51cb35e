"""The trackers: each module of this folder is one, selected by its name."""

import importlib.util
from pathlib import Path

from mnistlab.support.errors import UsageError
from mnistlab.support.modules import found_in
from mnistlab.tracking.tracker import Store, Tracker

TRACKERS = found_in(__name__, Tracker)
# Those of `--track`.
FOLLOWING = {name: tracker for name, tracker in TRACKERS.items() if tracker.follows}


def store_folder(runs_dir: Path, name: str) -> Path:
    """Where a tracker keeps the runs of a folder of runs, unless it is told otherwise."""
    return runs_dir / name


def connected(name: str, folder: Path) -> Store:
    """The files of a tracker in a folder.

    Raises UsageError for an unknown name, or if a module is missing, with how to install it;
    whatever else the tracker raises.
    """
    if name not in TRACKERS:
        raise UsageError(f"tracker: found {name!r}, expected one of {', '.join(TRACKERS)}")
    tracker = TRACKERS[name]
    missing = [module for module in tracker.needs if importlib.util.find_spec(module) is None]
    if missing:
        raise UsageError(
            f"{name} needs {' and '.join(missing)}, not installed here: "
            f"pip install '{tracker.install}'"
        )
    return tracker.connect(folder)
