"""Removes checkpoints of finished runs."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mnistlab.store.browse.found import runs_at
from mnistlab.store.run_dir import CONFIG_NAME, RunDir
from mnistlab.store.run_record import read_run_record
from mnistlab.store.tidy.in_use import configurations_with_paths, parts_above, unused
from mnistlab.support import durable
from mnistlab.support.errors import UsageError
from mnistlab.support.links import follow, resolved
from mnistlab.support.run_weights import SNAPSHOT, names_of_weights

KEEP = ("weights", "best", "none")


@dataclass(frozen=True)
class Pruned:
    """The files that were removed, their bytes, and why others were left as they are."""

    files: tuple[Path, ...]
    bytes: int
    left: tuple[str, ...]


def prune(paths: Iterable[Path], keep: str = KEEP[0]) -> Pruned:
    """Remove checkpoints of finished runs; the final weights always stay.

    `keep` is weights: what resuming needs is removed, the best weights and snapshots stay; best:
    snapshots are removed, too; or none. Weights that another configuration in the folder of runs
    names stay, and so do runs of a sweep or folder that have not finished.
    Raises UsageError, before anything is removed, for a named run that has not finished.
    """
    if keep not in KEEP:
        raise UsageError(f"--keep: found {keep!r}, must be {', '.join(KEEP[:-1])} or {KEEP[-1]}")
    paths = list(paths)
    reasons = {run: _why_not(RunDir(run)) for run in runs_at(paths)}
    named = [resolved(path) for path in paths if (follow(path) / CONFIG_NAME).is_file()]
    if refused := [f"{run}: {reasons[run]}" for run in named if reasons[run]]:
        raise UsageError(*refused)
    files: list[Path] = []
    left = [f"{run}: {reason}" for run, reason in reasons.items() if reason]
    size = 0
    finished = [run for run, reason in reasons.items() if reason is None]
    # Before anything is removed: a damaged configuration is an error.
    naming = {folder: configurations_with_paths(folder) for folder in set(map(_runs_dir, finished))}
    for run in finished:
        with unused(run):
            for file in _removable(RunDir(run), keep):
                others = naming[_runs_dir(run)]
                if config := next((one.config for one in others if one.needs(file)), None):
                    left.append(f"{file}: stays, because {config} names it")
                    continue
                size += file.stat().st_size
                file.unlink()
                files.append(file)
            if RunDir(run).checkpoints.is_dir():
                durable.fsync(RunDir(run).checkpoints)
    return Pruned(tuple(files), size, tuple(left))


def _runs_dir(run: Path) -> Path:
    """The folder of runs that a run, or the sweep or report around it, lies in."""
    return [run, *parts_above(run)][-1].parent


def _why_not(run_dir: RunDir) -> str | None:
    """Why the checkpoints of a run are still needed; None if they are not."""
    from mnistlab.support.tensor_file import load_tensors  # it needs numpy

    if not run_dir.run_json.exists():
        return "has not finished; its checkpoints are needed to resume it"
    status = read_run_record(run_dir).status
    if not status.finished:
        return f"is {status.words}, not finished; its checkpoints are needed"
    try:
        load_tensors(run_dir.weights)
    except UsageError as error:
        return f"its final weights cannot be read, so its checkpoints are kept: {error}"
    return None


def _removable(run_dir: RunDir, keep: str) -> list[Path]:
    """The files to remove; files of the user and links are none of them."""
    found = [run_dir.last, run_dir.previous]
    if keep != "weights":
        names = filter(SNAPSHOT.fullmatch, names_of_weights(run_dir.path))
        found += map(run_dir.snapshot, names)
    if keep == "none":
        found.append(run_dir.best)
    return [file for file in found if file.is_file() and not file.is_symlink()]
