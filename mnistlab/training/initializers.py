"""The parameter vector before the first step."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mnistlab.blocks.inits import path_key
from mnistlab.config import InitConfig
from mnistlab.runtime.params import views
from mnistlab.runtime.program import TensorSpec
from mnistlab.support.errors import UsageError


def initial_params(
    init: InitConfig, tensors: Sequence[TensorSpec], size: int, seed: int, dtype: Any
) -> np.ndarray:
    """The parameter vector before the first step, `dtype` (size,).

    Every tensor draws from its own stream, independent of the others. Numbers are drawn in float64
    and rounded once, so float32 and float64 runs have the same initial weights. Raises UsageError
    if an init file is unusable or does not fit.
    """
    vector = np.zeros(size)
    files: dict[Path, dict[str, np.ndarray]] = {}
    faults: list[str] = []
    drawn = 0  # tensors that draw: those of a normalisation change no other's numbers
    for tensor, view in zip(tensors, views(tensors, vector).values(), strict=True):
        rule = init.layers.get(tensor.layer, init)
        try:
            view[...] = rule.start(tensor, seed, drawn, dtype, files)
            view.reshape(-1)[~tensor.present] = 0
        except UsageError as error:
            key = path_key(tensor.layer if tensor.layer in init.layers else None)
            faults += [f"{key}: {message}" for message in error.messages]
        drawn += tensor.start is None
    if faults:
        raise UsageError(*dict.fromkeys(faults))
    with np.errstate(over="ignore"):  # the loss reveals a weight that overflows the dtype
        return vector.astype(dtype)
