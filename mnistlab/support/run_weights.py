"""The weights that a run keeps: their names, and the file of each in the run's folder."""

import re
from pathlib import Path

from mnistlab.support.errors import UsageError

FINAL, BEST = "final", "best"
SNAPSHOT = re.compile(r"epoch-([1-9][0-9]{0,9})")
CHECKPOINTS_NAME = "checkpoints"
FILES = {FINAL: "weights.safetensors", BEST: f"{CHECKPOINTS_NAME}/best.safetensors"}
# The allowed names, for messages.
ALLOWED = "final, best or epoch-N"


def snapshot_name(epoch: int) -> str:
    """The name of the weights kept after an epoch, counted from 1."""
    return f"epoch-{epoch}"


def snapshot_epoch(name: str) -> int | None:
    """The epoch after which weights of this name were kept; None for weights of another kind."""
    named = SNAPSHOT.fullmatch(name)
    return int(named[1]) if named else None


def weights_file(name: str) -> str | None:
    """The file of the weights with this name, relative to the run's folder; None for no name."""
    if SNAPSHOT.fullmatch(name):
        return f"{CHECKPOINTS_NAME}/{name}.safetensors"
    return FILES.get(name)


def find_weights(run_dir: Path, name: str) -> Path:
    """The file of a run's weights; raises UsageError, with the existing ones, if there is none.

    The final weights of a run are written when it has ended.
    """
    file = weights_file(name)
    if file is None:
        raise UsageError(f"weights: found {name!r}, expected {ALLOWED}")
    if not run_dir.is_dir():
        raise UsageError(f"{run_dir}: no such run folder")
    if (run_dir / file).is_file():
        return run_dir / file
    there = ", ".join(names_of_weights(run_dir))
    why = f"it has {there}" if there else "it has none that are whole; it may not have ended"
    raise UsageError(f"{run_dir}: has no {name} weights; {why}")


def names_of_weights(run_dir: Path) -> list[str]:
    """The names of the weights in a run's folder: final, best, then epoch by epoch."""
    kept = (run_dir / CHECKPOINTS_NAME).glob("epoch-*.safetensors")
    epochs = sorted(int(found[1]) for path in kept if (found := SNAPSHOT.fullmatch(path.stem)))
    named = [name for name, file in FILES.items() if (run_dir / file).is_file()]
    return [*named, *map(snapshot_name, epochs)]
