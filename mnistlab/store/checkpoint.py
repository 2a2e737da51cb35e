"""Weights on disk, and the checkpoints of a run."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mnistlab.store.run_dir import RunDir
from mnistlab.support import durable
from mnistlab.support.errors import UsageError
from mnistlab.support.platform import system
from mnistlab.support.tensor_file import encode_tensors, load_tensors

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checkpoint:
    """Everything that resuming needs: tensors by name, and the position in the run.

    `tensors` are parameters and optimizer state of any shape and dtype; `position` has JSON values:
    epoch, step and so on.
    """

    tensors: dict[str, np.ndarray]
    position: dict[str, Any]


def save_tensors(
    path: Path, tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str]
) -> None:
    """Write tensors of any shape and numeric dtype; equal contents give equal bytes.

    Atomic: if it raises OSError, the file is unchanged. The caller fsyncs the folder.
    """
    durable.write_file(path, encode_tensors(tensors, metadata), on_disk="content")


def save_checkpoint(run_dir: RunDir, state: Checkpoint) -> None:
    """Write the newest checkpoint, and keep the one before it.

    Whenever the process is killed, a complete checkpoint exists if there ever was one. The caller
    fsyncs the folder of the checkpoints. Raises OSError.
    """
    run_dir.checkpoints.mkdir(exist_ok=True)
    durable.remove_temporaries(run_dir.checkpoints)
    content = encode_tensors(
        state.tensors, {"position": json.dumps(state.position, sort_keys=True)}
    )
    # Between renaming and writing only the previous checkpoint exists: a damaged file must not
    # replace a complete one.
    if _is_whole(run_dir.last):
        system.replace(run_dir.last, run_dir.previous)
        durable.fsync(run_dir.checkpoints)
    durable.write_file(run_dir.last, content, on_disk="content")


def load_checkpoint(run_dir: RunDir) -> Checkpoint | None:
    """The newest complete checkpoint, or None if none was ever saved.

    If the newest is missing or damaged, the one before it is used, with a warning. Raises
    UsageError that names the files if no complete one is left.
    """
    if not run_dir.last.exists() and not run_dir.previous.exists():
        return None
    try:
        return _load_position(run_dir.last)
    except UsageError as newest:
        try:
            state = _load_position(run_dir.previous)
        except UsageError as older:
            raise UsageError(*newest.messages, *older.messages) from older
        logger.warning("%s; the checkpoint before it is used, %s", newest, run_dir.previous)
        return state


def _load_position(path: Path) -> Checkpoint:
    tensors, metadata = load_tensors(path)
    if "position" not in metadata:
        raise UsageError(f"{path}: holds only weights; it is not a checkpoint to resume from")
    position = json.loads(metadata["position"])
    if "files" not in position:
        raise UsageError(
            f"{path}: an earlier version of mnistlab wrote it; this version cannot resume from it"
        )
    return Checkpoint(tensors, position)


def _is_whole(path: Path) -> bool:
    try:
        load_tensors(path)
    except UsageError:
        return False
    return True
