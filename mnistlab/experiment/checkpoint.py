"""Tensors on disk: weights, and the checkpoints that a stopped run goes on from.

A file is safetensors with a single metadata entry, `mnistlab`, a JSON text of the SHA-256 and of
our own metadata. One entry, because safetensors writes several in an order that differs from
process to process. The SHA-256 is that of the whole file with its own 64 digits as zeros.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mnistlab.errors import UsageError
from mnistlab.experiment import durable
from mnistlab.experiment.checksums import DIGITS, NO_DIGEST, digest_without
from mnistlab.experiment.run_dir import RunDir

logger = logging.getLogger(__name__)

METADATA_KEY = "mnistlab"
# As the digest's key stands in the file: JSON inside a JSON string, before any other metadata.
DIGEST_MARK = rb"{\"sha256\":\""
MAX_HEADER_BYTES = 100_000_000  # safetensors' own limit


@dataclass(frozen=True)
class Checkpoint:
    """All that resuming needs: tensors by name, and where the run was.

    `tensors` are parameters and optimizer state of any shape and dtype; `position` is made of
    JSON's types: epoch, step and the like.
    """

    tensors: dict[str, np.ndarray]
    position: dict[str, Any]


def save_tensors(
    path: Path, tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str]
) -> None:
    """Write tensors of any shape and numeric dtype; equal contents give equal bytes.

    Durable: raises OSError, and the file is then as it was.
    """
    durable.write_file(path, _encode(tensors, metadata))


def load_tensors(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The tensors, writable, and the metadata of a safetensors file.

    A file of ours is checked against the SHA-256 inside it, one from elsewhere for its structure.
    Raises UsageError naming the file when it is missing or damaged.
    """
    try:
        header = _read_header(path)
        content = path.read_bytes()
        return _decode(content), _checked_metadata(header, content)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: is no whole safetensors file: {error}") from error


def save_checkpoint(run_dir: RunDir, state: Checkpoint) -> None:
    """Write the newest checkpoint, and keep the one before it.

    Killed at any moment, one whole checkpoint is there as soon as one ever was. Raises OSError.
    """
    run_dir.checkpoints.mkdir(exist_ok=True)
    durable.remove_temporaries(run_dir.checkpoints)
    content = _encode(state.tensors, {"position": json.dumps(state.position, sort_keys=True)})
    # Between the renaming and the writing the previous one alone is there: a damaged file must
    # not take the place of a whole one.
    if _is_whole(run_dir.last):
        run_dir.last.replace(run_dir.previous)
        durable.fsync_folder(run_dir.checkpoints)
    durable.write_file(run_dir.last, content)


def load_checkpoint(run_dir: RunDir) -> Checkpoint | None:
    """The newest whole checkpoint, or None where none was ever saved.

    The one before it is used, with a warning, where the newest is missing or damaged. Raises
    UsageError naming the files when no whole one is left.
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
        raise UsageError(f"{path}: holds weights alone, it is no checkpoint to go on from")
    position = json.loads(metadata["position"])
    if "files" not in position:
        raise UsageError(f"{path}: an earlier mnistlab wrote it, which this one cannot go on from")
    return Checkpoint(tensors, position)


def _is_whole(path: Path) -> bool:
    try:
        load_tensors(path)
    except UsageError:
        return False
    return True


def _encode(tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> bytes:
    """The bytes of the file, its digest filled in."""
    from safetensors.numpy import save

    # safetensors takes little-endian rows for granted; np.ascontiguousarray would lose 0-d shapes.
    plain = {
        name: np.asarray(tensors[name], dtype=tensors[name].dtype.newbyteorder("<"), order="C")
        for name in sorted(tensors)
    }
    ours = {"sha256": NO_DIGEST.decode(), "metadata": dict(sorted(metadata.items()))}
    content = save(plain, {METADATA_KEY: json.dumps(ours, separators=(",", ":"))})
    start = _digest_start(content)
    return content[:start] + digest_without(content, start) + content[start + DIGITS :]


def _decode(content: bytes) -> dict[str, np.ndarray]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return {name: np.array(tensor) for name, tensor in load(content).items()}
    except SafetensorError as error:
        raise ValueError(str(error)) from error
    except KeyError as error:
        raise ValueError(f"numpy has no dtype {error}") from error


def _digest_start(content: bytes) -> int:
    """Where the 64 digits stand; raises ValueError where there are none."""
    return content.index(DIGEST_MARK) + len(DIGEST_MARK)


def _read_header(path: Path) -> dict[str, Any]:
    """The JSON header, after the size it states was found to be the file's own.

    Reads the header alone, so that a wrong file of any size costs nothing. Raises ValueError.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        header_bytes = int.from_bytes(file.read(8), "little")
        if size < 8 or header_bytes > min(size - 8, MAX_HEADER_BYTES):
            raise ValueError(f"its {size} bytes are fewer than its header needs")
        header = json.loads(file.read(header_bytes))
    try:
        tensors = [entry for name, entry in header.items() if name != "__metadata__"]
        data_bytes = max((entry["data_offsets"][1] for entry in tensors), default=0)
        stated = 8 + header_bytes + data_bytes
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise ValueError("its header does not describe tensors") from error
    if stated != size:
        raise ValueError(f"it has {size} bytes, its header states {stated}")
    return header


def _checked_metadata(header: dict[str, Any], content: bytes) -> dict[str, str]:
    """Our metadata once the digest agrees, or the metadata as it is of a file from elsewhere."""
    metadata = header.get("__metadata__") or {}
    if METADATA_KEY not in metadata:
        # One flipped bit in the key must not pass for a file from elsewhere.
        if DIGEST_MARK in content[:4096]:
            raise ValueError("its header is damaged")
        return metadata
    start = _digest_start(content)
    if digest_without(content, start) != content[start : start + DIGITS]:
        raise ValueError("its contents do not agree with the SHA-256 inside")
    return json.loads(metadata[METADATA_KEY])["metadata"]
