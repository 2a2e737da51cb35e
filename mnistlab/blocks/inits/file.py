"""Weights read from a file."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from mnistlab.blocks.inits import BIAS, BiasInit, InitBlock
from mnistlab.blocks.section import UserPath
from mnistlab.errors import UsageError
from mnistlab.tensor_file import load_tensors


class FileInit(InitBlock):
    """Weights read from a file of an earlier run."""

    type: Literal["file"] = Field(default="file", description="Weights read from a file.")
    path: UserPath = Field(description="The file, relative to this configuration.")
    bias: BiasInit = BIAS

    def start(
        self, tensor: Any, seed: int, index: int, dtype: Any, files: dict[Path, Any]
    ) -> np.ndarray:
        if self.path not in files:
            files[self.path] = _read(self.path)
        return _from_file(self.path, files[self.path], tensor, dtype)


def _read(path: Path) -> dict[str, np.ndarray]:
    """The tensors of a .safetensors or .npz file, by name; ours by its checksum."""
    if path.suffix == ".npz":
        return _read_npz(path)
    try:
        return load_tensors(path)[0]
    except UsageError as error:
        raise UsageError(*(f"init.path: {message}" for message in error.messages)) from error


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an archive; each member has its CRC, which reading it checks."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except Exception as error:  # numpy and zipfile raise many kinds, and all mean one thing
        raise UsageError(f"init.path: {path}: unusable as weights: {error}") from error


def _from_file(path: Path, tensors: dict[str, np.ndarray], tensor: Any, dtype: Any) -> np.ndarray:
    if tensor.name not in tensors:
        there = ", ".join(sorted(tensors)) or "nothing"
        raise UsageError(f"init.path: {path}: no tensor {tensor.name}; it holds {there}")
    found = tensors[tensor.name]
    if found.shape != tensor.shape:
        raise UsageError(
            f"init.path: {path}: {tensor.name} has shape {found.shape}, expected {tensor.shape}"
        )
    if found.dtype.kind not in "fiu":
        raise UsageError(f"init.path: {path}: {tensor.name} holds {found.dtype}, expected numbers")
    if not (np.abs(found.astype(np.float64)) <= np.finfo(dtype).max).all():
        raise UsageError(
            f"init.path: {path}: {tensor.name} holds values that are not finite {np.dtype(dtype)}"
        )
    return found
