"""The parameter vector: all weights and biases, one after another, with views by name."""

from collections.abc import Iterable

import numpy as np

from mnistlab.runtime.program import TensorSpec

# Tensors start on a cache line, 64 bytes, whatever the dtype.
ALIGNMENT = 16


def rounded_up(number: int, step: int) -> int:
    """The smallest multiple of `step` that is at least `number`."""
    return -(-number // step) * step


def aligned(offset: int) -> int:
    """The first offset from `offset` on at which a tensor may begin."""
    return rounded_up(offset, ALIGNMENT)


def views(tensors: Iterable[TensorSpec], vector: np.ndarray) -> dict[str, np.ndarray]:
    """Every tensor by its name, in its shape; it shares memory with `vector` (parameters,)."""
    return {
        tensor.name: vector[tensor.offset : tensor.offset + tensor.size].reshape(tensor.shape)
        for tensor in tensors
    }
