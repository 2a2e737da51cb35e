"""The targets of a fuzzer: each reader must read a file, or refuse it with its own error."""

import gzip
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mnistlab.config import RunConfig, load_run_config
from mnistlab.data.files import MAX_DEFLATE_RATIO, MalformedError
from mnistlab.data.idx import header, read_idx
from mnistlab.store.checkpoint import load_tensors, save_tensors
from mnistlab.support.errors import ConfigError, UsageError

ROOT = Path(__file__).parents[2]


def read_yaml(path: Path) -> bool:
    """Whether the file is a configuration."""
    try:
        config = load_run_config(path)
    except ConfigError:
        return False
    assert isinstance(config, RunConfig)
    return True


def read_idx_file(path: Path) -> bool:
    """Whether the file has IDX images or labels; never more of them than it has bytes for."""
    read = False
    for dimensions in (1, 3):
        try:
            array = read_idx(path, dimensions)
        except MalformedError:
            continue
        assert array.dtype == np.uint8
        assert array.ndim == dimensions
        assert array.size <= path.stat().st_size * MAX_DEFLATE_RATIO
        read = True
    return read


def read_safetensors(path: Path) -> bool:
    """Whether the file has tensors; never more of them than it has bytes."""
    try:
        tensors, metadata = load_tensors(path)
    except UsageError:
        return False
    assert sum(tensor.nbytes for tensor in tensors.values()) <= path.stat().st_size
    assert all(isinstance(text, str) for text in metadata.values())
    return True


def yaml_seeds() -> list[bytes]:
    return [path.read_bytes() for path in sorted((ROOT / "configs").glob("*.yaml"))]


def idx_seeds() -> list[bytes]:
    images = header((2, 3, 4)) + bytes(range(24))
    labels = header((5,)) + bytes(range(5))
    return [images, labels, gzip.compress(images, mtime=0), gzip.compress(labels, mtime=0)]


def safetensors_seeds() -> list[bytes]:
    from safetensors.numpy import save

    with tempfile.TemporaryDirectory() as folder:
        ours = Path(folder) / "weights.safetensors"
        tensors = {"dense1.weight": np.eye(2, 3, dtype=np.float32), "dense1.bias": np.zeros(3)}
        save_tensors(ours, tensors, {"step": "7"})
        mine = ours.read_bytes()
    foreign = save({"a": np.arange(3, dtype=np.int64), "b": np.zeros((0, 2), np.float16)})
    return [mine, foreign, save({"a": np.array(True)}, {"note": "x"})]


@dataclass(frozen=True)
class Target:
    """A reader of a file, valid files to begin with, and the largest useful number of bytes."""

    read: Callable[[Path], bool]
    seeds: Callable[[], list[bytes]]
    most_bytes: int


TARGETS = {
    "yaml": Target(read_yaml, yaml_seeds, 4096),
    "idx": Target(read_idx_file, idx_seeds, 512),
    "safetensors": Target(read_safetensors, safetensors_seeds, 2048),
}
