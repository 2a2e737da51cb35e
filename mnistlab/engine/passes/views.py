"""The places in the memory that an op's lane works on."""

from typing import Any

import numpy as np

from mnistlab.engine.program import Memory
from mnistlab.kernels.jit import kernel, view


@kernel
def share(total: int, lanes: int, lane: int) -> tuple[int, int]:
    """The part [from, to) of `total` things that a lane has."""
    return lane * total // lanes, (lane + 1) * total // lanes


@kernel
def rows_of(op: Any, rows: int, lane: int) -> tuple[int, int]:
    """The part [from, to) of `rows` that a lane has, whole grains of them."""
    a, b = share((rows + op.grain - 1) // op.grain, op.lanes, lane)
    return min(rows, a * op.grain), min(rows, b * op.grain)


@view
def slot(values: np.ndarray, m: Memory, start: int, rows: int, width: int) -> np.ndarray:
    """A slot's rows as a matrix (rows, width)."""
    begin = start * m.capacity
    return values[begin : begin + rows * width].reshape(rows, width)


@view
def flat(values: np.ndarray, m: Memory, start: int, a: int, b: int, width: int) -> np.ndarray:
    """The rows [a, b) of a slot as one vector."""
    begin = start * m.capacity
    return values[begin + a * width : begin + b * width]
