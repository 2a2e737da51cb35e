"""Runs removed, renamed, measured and pruned: the commands of these names as functions."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from mnistlab.python.arguments import refuse_no_text
from mnistlab.python.tables import paths_of
from mnistlab.store.tidy.move import move_to_trash, rename
from mnistlab.store.tidy.prune import Pruned
from mnistlab.store.tidy.prune import prune as remove_checkpoints
from mnistlab.store.tidy.usage import usage_at
from mnistlab.support import paths as folders
from mnistlab.support.paths import PathLike


def rm(
    paths: PathLike | Iterable[PathLike],
    *,
    force: bool = False,
    runs_dir: PathLike | None = None,
) -> dict[Path, Path]:
    """Move runs, sweeps and reports to the trash of the folder of runs: the new folder of each.

    Raises UsageError, before anything is moved, for a run that is being trained or lies elsewhere;
    unless `force`, also for a part of a sweep, and for what another configuration names.
    """
    return move_to_trash(paths_of(paths), folders.runs_dir(runs_dir), force=force)


def mv(path: PathLike, name: str, *, force: bool = False) -> Path:
    """Rename a run, sweep or report in its folder; returns the new folder. `latest` still points to
    it.

    Raises UsageError, and renames nothing, for a wrong or taken name, a trial, or a run that is
    being trained; unless `force`, also for what another configuration names.
    """
    refuse_no_text("name", name)
    return rename(Path(path), name, force=force)


def du(paths: PathLike | Iterable[PathLike] | None = None) -> pd.DataFrame:
    """What each run, sweep or report takes on the disk in bytes, in all and by kind of file, the
    largest first; by default those of the folder where runs are made.

    The index is the path. Raises UsageError for a path that is none of these.
    """
    usages = usage_at([folders.runs_dir(None)] if paths is None else paths_of(paths))
    index = pd.Index([str(one.path) for one in usages], name="path")
    return pd.DataFrame([{"bytes": one.total, **one.kinds} for one in usages], index=index)


def prune(paths: PathLike | Iterable[PathLike], keep: str = "weights") -> Pruned:
    """Remove checkpoints of finished runs, for good: the files, their bytes, and why other runs
    were left as they are. The final weights always stay.

    `keep`: weights, best or none, as in `mnistlab prune`. Raises UsageError, before anything is
    removed, for a named run that has not finished.
    """
    return remove_checkpoints(paths_of(paths), keep)
