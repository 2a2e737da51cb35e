"""The parameter vector before the first step."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mnistlab.config import InitConfig
from mnistlab.runtime.params import views
from mnistlab.runtime.program import TensorSpec


def initial_params(
    init: InitConfig, tensors: Sequence[TensorSpec], size: int, seed: int, dtype: Any
) -> np.ndarray:
    """The parameter vector before the first step, `dtype` (size,).

    Every tensor draws from its own stream, whatever the others do. Drawn in float64 and rounded
    once, so that float32 and float64 runs start alike. Raises UsageError for an init file that is
    unusable or does not fit.
    """
    vector = np.zeros(size)
    files: dict[Path, dict[str, np.ndarray]] = {}
    named = zip(tensors, views(tensors, vector).values(), strict=True)
    for index, (tensor, view) in enumerate(named):
        rule = init.layers.get(tensor.layer, init)
        view[...] = rule.start(tensor, seed, index, dtype, files)
    with np.errstate(over="ignore"):  # a weight that the dtype can't hold is found by its loss
        return vector.astype(dtype)
