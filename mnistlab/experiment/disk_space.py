"""Checks before training that a disk has enough space for what a run will save."""

import shutil
from pathlib import Path

from mnistlab.store.run_dir import RunDir
from mnistlab.support.run_weights import SNAPSHOT, names_of_weights
from mnistlab.training.trainer import Trainer


def lacking_disk_space(folder: Path, trainer: Trainer, run_dir: RunDir | None = None) -> str | None:
    """The error message if the disk of `folder`, existing or not, is too full for a run; else None.

    What `run_dir` already has is subtracted. Logs, tables and figures are small and ignored.
    """
    needed = bytes_to_save(trainer)
    if run_dir is not None:
        names = [name for name in names_of_weights(run_dir.path) if SNAPSHOT.fullmatch(name)]
        kept = [run_dir.snapshot(name) for name in names]
        saved = (run_dir.last, run_dir.previous, run_dir.best, run_dir.weights, *kept)
        needed -= sum(path.stat().st_size for path in saved if path.exists())
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(there).free
    if free >= needed:
        return None
    return f"the run will save {needed / 1e6:,.1f} MB here, {free / 1e6:,.1f} MB are free"


def bytes_to_save(trainer: Trainer) -> int:
    """The largest size of a run's tensor files: two checkpoints and one that is being written, each
    with the best weights, and the best, the final and the epochs' weights.
    """
    params, memory = trainer.params, trainer.memory
    states = (params, params, memory.states, memory.totals)
    average = 0 if trainer.config.training.average_last is None else 8 * params.size
    every, length = trainer.config.training.snapshots, trainer.length
    epochs = length.steps // length.steps_per_epoch // every if every is not None else 0
    return 3 * (sum(state.nbytes for state in states) + average) + (2 + epochs) * params.nbytes
