"""The snapshots of a run: its weights after some epochs (`training.snapshots`)."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np

from mnistlab.experiment.artefacts import Artefacts
from mnistlab.experiment.model import Model
from mnistlab.support.errors import UsageError
from mnistlab.support.run_weights import names_of_weights, snapshot_epoch
from mnistlab.support.tensor_file import load_tensors


def snapshots_of(run: Artefacts) -> dict[int, str]:
    """The names of the kept weights by their epoch, in its order; empty if the run kept none."""
    names = names_of_weights(run.run_dir.path)
    return {epoch: name for name in names if (epoch := snapshot_epoch(name)) is not None}


def snapshot_tensors(run: Artefacts, name: str) -> dict[str, np.ndarray]:
    """The weights of a snapshot; raises UsageError if they are not those of the run's network."""
    file = run.run_dir.snapshot(name)
    tensors, _ = load_tensors(file)
    for own, tensor in run.model.tensors.items():
        if own not in tensors or tensors[own].shape != tensor.shape:
            raise UsageError(f"{file}: does not match the model")
    return tensors


@contextmanager
def other_weights(model: Model, tensors: Mapping[str, np.ndarray]) -> Iterator[None]:
    """Let the model compute with other weights; afterwards it has its own again."""
    params = model.inference.params
    kept = params.copy()
    try:
        for name, tensor in model.tensors.items():
            tensor[...] = tensors[name]
        yield
    finally:
        params[:] = kept
