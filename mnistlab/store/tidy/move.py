"""Moves runs, sweeps and reports: to the trash of their folder of runs, or to another name."""

import itertools
import os
import re
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from mnistlab.store.browse.found import entries_in, is_sweep, open_entry
from mnistlab.store.browse.sweep_summary import folder_started
from mnistlab.store.report_dir import MANIFEST_NAME, is_reproduction
from mnistlab.store.run_dir import CONFIG_NAME, LATEST_NAME, SWEEP_NAME, TAKEN, point_link
from mnistlab.store.tidy.in_use import configurations_that_name, parts_above, unused
from mnistlab.support import durable
from mnistlab.support.errors import UsageError
from mnistlab.support.links import resolved, target_of
from mnistlab.support.paths import runs_dir_argument
from mnistlab.support.platform import system

TRASH_NAME = ".trash"
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}")
NAME_RULE = "letters from a to z, digits, . _ -, not beginning with . or -"


def move_to_trash(
    paths: Sequence[Path], runs_dir: Path, *, force: bool = False
) -> dict[Path, Path]:
    """Move runs, sweeps and reports of a folder of runs to its trash: the new folder of each.

    Raises UsageError, before anything is moved, for a path that is none of them, lies outside or is
    a link, and for one on which a process works; unless `force`, also for a part of a sweep or of a
    report, and for one that another configuration names.
    """
    around = runs_dir.resolve()
    found = list(dict.fromkeys(_itself(path) for path in paths))
    folders = [one for one in found if not set(one.parents).intersection(found)]
    for folder in folders:
        _refuse_outside(folder, around)
        if not force:
            _refuse_needed(folder, around, folders, "removes")
        with unused(folder):
            pass
    trash = _trash(around)
    moved = {}
    for folder in folders:
        names = (folder.name if n == 1 else f"{folder.name}-{n}" for n in itertools.count(1))
        moved[folder] = _move(folder, (trash / name for name in names))
    return moved


def rename(path: Path, name: str, *, force: bool = False) -> Path:
    """Rename a run, sweep or report in its folder; returns the new folder. `latest` still points to
    it.

    Raises UsageError, and renames nothing, for a wrong or taken name, for a link, for a part of a
    sweep or of a report, and if a process works on it; unless `force`, also if another
    configuration names it.
    """
    if not NAME.fullmatch(name) or name == LATEST_NAME:
        raise UsageError(f"name: found {name!r}, must be {NAME_RULE}, and not {LATEST_NAME}")
    folder = _itself(path)
    for above in parts_above(folder):
        raise UsageError(f"{folder}: is a part of {above}, which finds it by its name")
    if not force:
        _refuse_needed(folder, folder.parent, [folder], "renames")
    return _move(folder, [folder.with_name(name)])


def trash_of(runs_dir: Path) -> Path:
    """The trash of a folder of runs; it need not exist."""
    return runs_dir.resolve() / TRASH_NAME


def purge_command(runs_dir: Path) -> str:
    """The command that empties the trash of this folder of runs, and of no other."""
    return f"mnistlab rm --purge{runs_dir_argument(runs_dir)}"


def empty_trash(runs_dir: Path) -> list[Path]:
    """Delete for good the runs, sweeps and reports in the trash of a folder of runs: those deleted.

    Anything else in the trash stays. Raises UsageError if a process works on one of them; OSError.
    """
    trash = trash_of(runs_dir)
    if not os.path.lexists(trash):
        return []
    _refuse_no_trash(trash)
    folders = entries_in(trash)
    for folder in folders:
        with unused(folder):
            shutil.rmtree(folder)
    if not any(trash.iterdir()):
        trash.rmdir()
    return folders


def _itself(path: Path) -> Path:
    """The folder of a run, sweep or report; raises UsageError for a link to one."""
    if target_of(path) is not None:
        raise UsageError(f"{path}: is a link; name the folder itself, {resolved(path)}")
    return open_entry(path)


def _refuse_outside(folder: Path, runs_dir: Path) -> None:
    if runs_dir not in folder.parents:
        raise UsageError(
            f"{folder}: lies outside of the folder of runs, {runs_dir}; --runs-dir DIR names "
            "another"
        )
    if runs_dir / TRASH_NAME in folder.parents:
        raise UsageError(f"{folder}: is in the trash; `{purge_command(runs_dir)}` empties it")


def _refuse_needed(folder: Path, runs_dir: Path, together: Sequence[Path], does: str) -> None:
    """Raise UsageError for a part of a sweep or report, or if a configuration names the folder."""
    hint = f"--force {does} it nevertheless"
    for above in parts_above(folder):
        what = "sweep" if is_sweep(above) else "report"
        raise UsageError(f"{folder}: is a part of the {what} {above}, which names it; {hint}")
    if naming := configurations_that_name(folder, runs_dir, together):
        raise UsageError(*(f"{folder}: is named by {config}; {hint}" for config in naming))


def _trash(runs_dir: Path) -> Path:
    trash = runs_dir / TRASH_NAME
    if not os.path.lexists(trash):
        trash.mkdir()
    _refuse_no_trash(trash)
    return trash


def _refuse_no_trash(trash: Path) -> None:
    if trash.is_symlink() or not trash.is_dir():
        raise UsageError(f"{trash}: is no folder of its own, and cannot be the trash")


def _move(folder: Path, targets: Iterable[Path]) -> Path:
    """Rename a folder to the first of its targets that is free, and mend `latest` beside it.

    Raises UsageError if none is free, or if a process works on it.
    """
    latest = folder.with_name(LATEST_NAME)
    was_latest = target_of(latest) is not None and resolved(latest) == folder
    with unused(folder):
        new = _renamed(folder, targets)
    for parent in {folder.parent, new.parent}:
        durable.fsync(parent)
    if was_latest:
        _mend(latest, new if new.parent == latest.parent else None)
    return new


def _renamed(folder: Path, targets: Iterable[Path]) -> Path:
    for target in targets:
        if os.path.lexists(target):
            continue
        try:
            return system.rename(folder, target)
        except OSError as error:  # another process has just taken the name
            if error.errno not in TAKEN:
                raise
    raise UsageError(f"{target}: exists already; nothing was renamed")


def _mend(latest: Path, folder: Path | None) -> None:
    """Point `latest` to a folder beside it, by default the newest; remove it if there is none."""
    left = entries_in(latest.parent)
    if folder is None and not left:
        latest.unlink()
        return
    point_link(latest, folder or max(left, key=lambda one: folder_started(one, _config(one))))


def _config(folder: Path) -> str:
    if is_sweep(folder):
        return SWEEP_NAME
    return MANIFEST_NAME if is_reproduction(folder) else CONFIG_NAME
