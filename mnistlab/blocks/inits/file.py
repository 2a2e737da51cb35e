"""Weights read from a file."""

import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import IO, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from mnistlab.blocks.inits import BIAS, BiasInit, InitBlock
from mnistlab.blocks.section import UserPath
from mnistlab.support.errors import UsageError
from mnistlab.support.safe_files import open_file
from mnistlab.support.tensor_file import load_tensors


class FileInit(InitBlock):
    """Weights read from a file of an earlier run."""

    draws_biases: ClassVar[bool] = False
    type: Literal["file"] = Field(
        default="file", description="Weights and biases read from a file."
    )
    path: UserPath = Field(description="The file, relative to this configuration.")
    bias: BiasInit = BIAS

    def start(
        self, tensor: Any, seed: int, index: int, dtype: Any, files: dict[Path, Any]
    ) -> np.ndarray:
        if self.path.suffix == ".npz":
            found = _from_npz(self.path, tensor)
        else:
            if self.path not in files:
                files[self.path] = _read_safetensors(self.path)
            tensors = files[self.path]
            _refuse_missing(self.path, tensor, tensors)
            found = tensors[tensor.name]
            _refuse_unfit(self.path, tensor, found.shape, found.dtype)
        _refuse_infinite(self.path, tensor, found, dtype)
        return found


def _read_safetensors(path: Path) -> dict[str, np.ndarray]:
    """The tensors of a file, by name; a file of mnistlab is verified by its checksum."""
    try:
        return load_tensors(path)[0]
    except UsageError as error:
        raise UsageError(*(f"init.path: {message}" for message in error.messages)) from error


def _from_npz(path: Path, tensor: Any) -> np.ndarray:
    """One array of an archive. It is read only if its header fits; the member's CRC is verified.

    Other members may have any size, and are not read.
    """
    try:
        with open_file(path) as file, zipfile.ZipFile(file) as archive:
            members = {name.removesuffix(".npy") for name in archive.namelist()}
            _refuse_missing(path, tensor, members)
            with archive.open(f"{tensor.name}.npy") as member:
                _refuse_unfit(path, tensor, *_npy_header(member))
            with archive.open(f"{tensor.name}.npy") as member:
                return np.lib.format.read_array(member, allow_pickle=False)
    except UsageError:
        raise
    except Exception as error:  # numpy and zipfile raise many kinds of errors with the same meaning
        raise UsageError(f"init.path: {path}: unusable as weights: {error}") from error


def _npy_header(member: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    """The shape and dtype of a .npy file."""
    version = np.lib.format.read_magic(member)
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in readers:
        raise ValueError(f"a .npy file of version {version}")
    shape, _, dtype = readers[version](member)
    return shape, dtype


def _refuse_missing(path: Path, tensor: Any, names: Collection[str]) -> None:
    if tensor.name not in names:
        there = ", ".join(sorted(names)) or "nothing"
        raise UsageError(f"init.path: {path}: no tensor {tensor.name}; it holds {there}")


def _refuse_unfit(path: Path, tensor: Any, shape: tuple[int, ...], dtype: np.dtype) -> None:
    if shape != tensor.shape:
        raise UsageError(
            f"init.path: {path}: {tensor.name} has shape {shape}, expected {tensor.shape}"
        )
    if dtype.kind not in "fiu":
        raise UsageError(f"init.path: {path}: {tensor.name} holds {dtype}, expected numbers")


def _refuse_infinite(path: Path, tensor: Any, found: np.ndarray, dtype: Any) -> None:
    if not (np.abs(found.astype(np.float64)) <= np.finfo(dtype).max).all():
        raise UsageError(
            f"init.path: {path}: {tensor.name} holds values that are not finite {np.dtype(dtype)}"
        )
