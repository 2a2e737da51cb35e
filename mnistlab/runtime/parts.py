"""The parts of the memory for one lane of an op."""

from typing import Any

import numpy as np

from mnistlab.runtime.kernel import kernel, view
from mnistlab.runtime.memory import Memory


@kernel
def share(total: int, lanes: int, lane: int) -> tuple[int, int]:
    """The range [from, to) of `total` items for a lane."""
    return lane * total // lanes, (lane + 1) * total // lanes


@kernel
def rows_of(op: Any, rows: int, lane: int) -> tuple[int, int]:
    """The range [from, to) of `rows` for a lane, in multiples of the op's grain."""
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


@view
def images_of(
    values: np.ndarray, m: Memory, start: int, rows: int, channels: int, height: int, width: int
) -> np.ndarray:
    """A slot's rows as images (rows, channels, height, width)."""
    begin = start * m.capacity
    size = rows * channels * height * width
    return values[begin : begin + size].reshape(rows, channels, height, width)


@view
def scratch_of(op: Any, m: Memory, lane: int) -> np.ndarray:
    """A lane's scratch memory."""
    return m.scratch[op.scratch_at + lane * op.scratch :][: op.scratch]


@view
def lane_grads_of(op: Any, m: Memory, lane: int) -> np.ndarray:
    """A lane's part of a convolution's gradient."""
    return m.lane_grads[op.lane_grads_at + lane * op.lane_grads :][: op.lane_grads]


@view
def state_of(m: Memory, number: int) -> np.ndarray:
    """One of the optimizer's state vectors, with the layout of the parameters."""
    return m.states[number * m.params.size :][: m.params.size]


@kernel
def rate_of(op: Any, m: Memory, step: int) -> float:
    """The step's learning rate for the op's tensor."""
    return m.rates[step - m.rates_from] * op.lr_scale


@kernel
def momentum_of(m: Memory, step: int) -> float:
    """The step's momentum."""
    return m.momenta[step - m.rates_from]
