"""Weights read from a file."""

import zipfile
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from pydantic import Field

from mnistlab.blocks.inits import BIAS, BiasInit
from mnistlab.blocks.inits._stored import (
    StoredInit,
    from_safetensors,
    refuse_missing,
    refuse_unfit,
)
from mnistlab.blocks.section import UserPath
from mnistlab.support.errors import UsageError
from mnistlab.support.safe_files import open_file


class FileInit(StoredInit):
    """Weights read from a file of an earlier run."""

    type: Literal["file"] = Field(
        default="file", description="Weights and biases read from a file."
    )
    path: UserPath = Field(description="The file, relative to this configuration.")
    bias: BiasInit = BIAS

    def refuse_missing(self) -> None:
        if not self.path.exists():
            raise UsageError(f"{self.path}: no such file")

    def stored(self, tensor: Any, files: dict[Path, Any]) -> np.ndarray:
        if self.path.suffix == ".npz":
            return _from_npz(self.path, tensor)
        return from_safetensors(self.path, tensor, files)


def _from_npz(path: Path, tensor: Any) -> np.ndarray:
    """One array of an archive. It is read only if its header fits; the member's CRC is verified.

    Other members may have any size, and are not read.
    """
    try:
        with open_file(path) as file, zipfile.ZipFile(file) as archive:
            members = {name.removesuffix(".npy") for name in archive.namelist()}
            refuse_missing(path, tensor, members)
            with archive.open(f"{tensor.name}.npy") as member:
                refuse_unfit(path, tensor, *_npy_header(member))
            with archive.open(f"{tensor.name}.npy") as member:
                return np.lib.format.read_array(member, allow_pickle=False)
    except UsageError:
        raise
    except Exception as error:  # numpy and zipfile raise many kinds of errors with the same meaning
        raise UsageError(f"{path}: unusable as weights: {error}") from error


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
