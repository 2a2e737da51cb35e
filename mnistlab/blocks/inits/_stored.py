"""Initial weights from a file: checks that a file's tensors fit the network."""

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from mnistlab.blocks.inits import InitBlock
from mnistlab.support.errors import UsageError
from mnistlab.support.tensor_file import load_tensors


class StoredInit(InitBlock):
    """Weights and biases read from a file."""

    draws_biases: ClassVar[bool] = False
    if TYPE_CHECKING:  # each has this key, with its own description
        path: Path

    def stored(self, tensor: Any, files: dict[Path, Any]) -> np.ndarray:
        """The stored values of a weight or bias; `files` caches the files that have been read."""
        raise NotImplementedError(f"init {self.type}: reads no file")

    def start(
        self, tensor: Any, seed: int, index: int, dtype: Any, files: dict[Path, Any]
    ) -> np.ndarray:
        found = self.stored(tensor, files)
        _refuse_infinite(self.path, tensor, found, dtype)
        _refuse_negative(self.path, tensor, found)
        _refuse_connected(self.path, tensor, found)
        return found


def from_safetensors(path: Path, tensor: Any, files: dict[Path, Any]) -> np.ndarray:
    """A tensor of a safetensors file; the file is read once, mnistlab's own verified by its
    checksum.

    Raises UsageError if the file is unusable, or has no such tensor of this shape.
    """
    if path not in files:
        files[path] = load_tensors(path)[0]
    tensors = files[path]
    refuse_missing(path, tensor, tensors)
    found: np.ndarray = tensors[tensor.name]
    refuse_unfit(path, tensor, found.shape, found.dtype)
    return found


def refuse_missing(path: Path, tensor: Any, names: Collection[str]) -> None:
    """Raise UsageError if a file with tensors of these names does not have this one."""
    if tensor.name not in names:
        there = ", ".join(sorted(names)) or "nothing"
        raise UsageError(f"{path}: no tensor {tensor.name}; it holds {there}")


def refuse_unfit(path: Path, tensor: Any, shape: tuple[int, ...], dtype: np.dtype) -> None:
    """Raise UsageError if a file's tensor has another shape, or is not numeric."""
    if shape != tensor.shape:
        raise UsageError(f"{path}: {tensor.name} has shape {shape}, expected {tensor.shape}")
    if dtype.kind not in "fiu":
        raise UsageError(f"{path}: {tensor.name} holds {dtype}, expected numbers")


def _refuse_negative(path: Path, tensor: Any, found: np.ndarray) -> None:
    if tensor.kind == "running_variance" and (found < 0).any():
        raise UsageError(f"{path}: {tensor.name} holds a negative variance")


def _refuse_connected(path: Path, tensor: Any, found: np.ndarray) -> None:
    if found.reshape(-1)[~tensor.present].any():
        raise UsageError(
            f"{path}: {tensor.name} has weights for connections that the layer's "
            "`connections` leaves out"
        )


def _refuse_infinite(path: Path, tensor: Any, found: np.ndarray, dtype: Any) -> None:
    if not (np.abs(found.astype(np.float64)) <= np.finfo(dtype).max).all():
        raise UsageError(
            f"{path}: {tensor.name} holds values that are not finite {np.dtype(dtype)}"
        )
