"""The places in the memory that an op's lane works on."""

import numpy as np

from mnistlab.engine.program import Memory
from mnistlab.kernels.jit import kernel


@kernel
def share(total: int, lanes: int, lane: int) -> tuple[int, int]:
    """The part [from, to) of `total` things that a lane has."""
    return lane * total // lanes, (lane + 1) * total // lanes


@kernel
def slot(values: np.ndarray, m: Memory, start: int, rows: int, width: int) -> np.ndarray:
    """A slot's rows as a matrix (rows, width)."""
    begin = start * m.capacity
    return values[begin : begin + rows * width].reshape(rows, width)


@kernel
def flat(values: np.ndarray, m: Memory, start: int, a: int, b: int, width: int) -> np.ndarray:
    """The rows [a, b) of a slot as one vector."""
    begin = start * m.capacity
    return values[begin + a * width : begin + b * width]
