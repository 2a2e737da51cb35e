"""A run's folder: how it is created, found and opened, and the names of its files."""

import errno
import itertools
import logging
import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mnistlab.store.checksums import with_checksum
from mnistlab.store.folder import Artefact, Folder, Subfolder
from mnistlab.support import durable, paths
from mnistlab.support.errors import UsageError
from mnistlab.support.links import follow, resolved, target_of, write_link
from mnistlab.support.near_names import near_files
from mnistlab.support.platform import system
from mnistlab.support.run_weights import BEST, CHECKPOINTS_NAME, FILES, FINAL

logger = logging.getLogger(__name__)

CONFIG_NAME = "config.yaml"
SWEEP_NAME = "sweep.yaml"
METRICS_NAME = "metrics.csv"
LAYERS_NAME = "layers.csv"
LAST_STEPS_NAME = "last_steps.csv"
PREDICTIONS_NAME = "predictions.csv"
LATEST_NAME = "latest"
# The error of os.rename if the new name already exists.
TAKEN = {errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR}


@dataclass(frozen=True)
class RunDir(Folder):
    """The folder of one run."""

    config = Artefact(CONFIG_NAME)  # the resolved configuration
    run_json = Artefact("run.json")  # status, provenance, layers, final and best metrics
    metrics = Artefact(METRICS_NAME)  # a row per evaluation
    layers = Artefact(LAYERS_NAME)  # a row per layer per epoch
    last_steps = Artefact(LAST_STEPS_NAME)  # of a run that diverged, a row per layer per step
    predictions = Artefact(PREDICTIONS_NAME)  # a row per image of the test or validation set
    weights = Artefact(FILES[FINAL])  # the final weights
    log = Artefact("train.log")  # the run's messages
    checkpoints = Subfolder(CHECKPOINTS_NAME)

    @property
    def best(self) -> Path:
        """The best weights by validation."""
        return self.checkpoints / Path(FILES[BEST]).name

    @property
    def last(self) -> Path:
        """The newest checkpoint."""
        return self.checkpoints / "last.safetensors"

    @property
    def previous(self) -> Path:
        """The checkpoint before the newest."""
        return self.checkpoints / "last.previous.safetensors"

    def snapshot(self, name: str) -> Path:
        """The weights kept after an epoch, by their name: `epoch-6`."""
        return self.checkpoints / f"{name}.safetensors"

    def exported(self, ending: str) -> Path:
        """The default path of an export: `model.onnx` and so on."""
        return self.path / f"model.{ending}"


def create_run_dir(
    runs_dir: Path, name: str, config_text: str, config_hash: str, started: datetime
) -> RunDir:
    """Create a new run's folder with its config.yaml, and point `latest` to it.

    `config_hash` is in hexadecimal; `started` has a time zone. Raises UsageError if nothing can be
    created in `runs_dir`; nothing is left there then.
    """
    rest = f"{name}-{config_hash[:6]}"
    return RunDir(create_folder(runs_dir, rest, CONFIG_NAME, config_text, started))


def create_folder(
    runs_dir: Path, name: str, config_name: str, config_text: str, started: datetime
) -> Path:
    """Create a folder `<time>-<name>` with its configuration, and point `latest` to it.

    Raises UsageError if nothing can be created in `runs_dir`; nothing is left there then.
    """
    base = f"{started.astimezone(UTC).strftime('%Y%m%d-%H%M%S')}-{name}"
    try:
        runs_dir.mkdir(parents=True, exist_ok=True)
        for number in itertools.count(1):
            folder = runs_dir / (base if number == 1 else f"{base}-{number}")
            if make_complete(folder, config_name, config_text):
                break
    except OSError as error:
        why = "a file has this name" if runs_dir.is_file() else error.strerror
        if (target := target_of(runs_dir)) is not None and not runs_dir.exists():
            why = f"it leads to {target}, which is not there"
        raise UsageError(f"{runs_dir}: cannot create a run folder here: {why}") from error
    point_link(folder.with_name(LATEST_NAME), folder)
    return folder


def make_complete(folder: Path, config_name: str, config_text: str) -> bool:
    """Create a folder that is never visible without its configuration; False if its
    name is taken.
    """
    # The dot-name is a reservation: mkdir gives it to one process only, and only that process
    # renames it to `folder`. So no other process can create `folder` between the check and the
    # rename. os.rename alone would replace an empty folder.
    reserved = folder.with_name(f".{folder.name}")
    try:
        reserved.mkdir()
    except FileExistsError:
        return False
    try:
        if os.path.lexists(folder):
            raise FileExistsError(errno.EEXIST, "taken", str(folder))
        durable.write_file(reserved / config_name, with_checksum(config_text))
        system.rename(reserved, folder)
    except OSError as error:
        shutil.rmtree(reserved, ignore_errors=True)
        if error.errno in TAKEN:
            return False
        raise
    durable.fsync(folder.parent)
    return True


def point_link(link: Path, folder: Path) -> None:
    """Make `link` point to a folder beside or below it; an existing file or folder is left
    unchanged.
    """
    if os.path.lexists(link) and not _is_ours(link):
        logger.warning(
            "%s was not made by mnistlab and is not changed; it does not point to %s",
            link,
            folder.name,
        )
        return
    # The new link is first created inside the run's own folder, where its name is free. So a killed
    # process leaves nothing among the runs.
    inside = folder / link.name if link.parent == folder.parent else link
    try:
        write_link(link, folder, durable.temporary_beside(inside))
    except OSError as error:
        logger.warning("%s cannot be made a link to %s: %s", link, folder.name, error.strerror)


def _is_ours(link: Path) -> bool:
    """Whether it is a link to something beside or below it, as `point_link` creates them."""
    target = target_of(link)
    return target is not None and not target.is_absolute() and ".." not in target.parts


def open_run(path: Path) -> RunDir:
    """The run at `path`, links followed; raises UsageError that says what is there instead."""
    try:
        if (follow(path) / CONFIG_NAME).is_file():
            return RunDir(resolved(path))
        raise UsageError(_what_it_is(path))
    except OSError as error:
        raise UsageError(f"{path}: cannot be opened: {error.strerror}") from error


def _what_it_is(path: Path) -> str:
    """Why `path` is not a run folder, and where one may be, in one sentence."""
    if (target := target_of(path)) is not None and not follow(path).exists():
        return f"{path}: leads to {target}, which is not there"
    path = follow(path)
    if not path.exists():
        return f"{path}: no such run folder{_near(path)}"
    if not path.is_dir():
        inside = (path.parent / CONFIG_NAME).is_file()
        hint = f"; the run folder it lies in is {path.parent}" if inside else ""
        if not inside and path.suffix in (".yaml", ".yml"):
            hint = f"; `mnistlab train {paths.as_argument(path)}` makes one, and prints its path"
        return f"{path}: is a file, not a run folder{hint}"
    if (path / SWEEP_NAME).is_file():
        return f"{path}: is a sweep, not one run; its runs are in {path / 'trials'}"
    if not any(path.iterdir()):
        return f"{path}: is an empty folder, not a run folder"
    folders = (config.parent for config in path.glob(f"[!.]*/{CONFIG_NAME}"))
    runs = sorted(folder for folder in folders if not folder.is_symlink())
    if runs:
        return f"{path}: is a folder of runs, not one run; name one of them, such as {runs[-1]}"
    return f"{path}: is not a run folder: it has no {CONFIG_NAME}"


def _near(path: Path) -> str:
    """`; near it: …` with up to three folders of a similar name, or an empty text."""
    if not path.parent.is_dir():
        return f": there is no folder {path.parent}"
    names = [entry.name for entry in path.parent.glob("[!.]*") if entry.is_dir()]
    near = near_files(path.name, names)
    inside = paths.runs_dir() / path
    if not near and len(path.parts) == 1 and inside.is_dir():
        near = [str(paths.as_typed(inside))]
    if near:
        return f"; near it: {', '.join(near)}"
    return "; `mnistlab runs` lists the runs"
