"""Whether a disk has room for what a run will save, asked before it trains."""

import shutil
from pathlib import Path

from mnistlab.store.run_dir import RunDir
from mnistlab.training.trainer import Trainer


def lacking_disk_space(folder: Path, trainer: Trainer, run_dir: RunDir | None = None) -> str | None:
    """What to say where `folder`, there or to be made, lies on a disk that is too full for a run.

    What `run_dir` has already of the run is taken off. A little is left out: logs, tables, figures.
    """
    needed = bytes_to_save(trainer)
    if run_dir is not None:
        saved = (run_dir.last, run_dir.previous, run_dir.best, run_dir.weights)
        needed -= sum(path.stat().st_size for path in saved if path.exists())
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(there).free
    if free >= needed:
        return None
    return f"the run will save {needed / 1e6:,.1f} MB here, {free / 1e6:,.1f} MB are free"


def bytes_to_save(trainer: Trainer) -> int:
    """What a run's tensors take at most: two checkpoints and one that is being written, each with
    the best weights in it, the best weights and the final ones.
    """
    params, memory = trainer.params, trainer.memory
    states = (params, params, memory.states, memory.totals)
    return 3 * sum(state.nbytes for state in states) + 2 * params.nbytes
