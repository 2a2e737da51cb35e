"""The ops of an activation between layers: they call its function and derivative by address."""

from typing import Any

import numpy as np

from mnistlab.blocks.activations import softmax
from mnistlab.runtime.calls import call_address
from mnistlab.runtime.kernel import Kernel, kernel
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.op import Called, Operands
from mnistlab.runtime.parts import flat, rows_of, scratch_of, slot


def forward_types(dtype: np.dtype[Any]) -> tuple[Any, ...]:
    """The argument types of a function: (x, parameters, y)."""
    import numba

    vector = numba.from_dtype(dtype)[::1]
    return (vector, numba.types.UniTuple(numba.float64, 2), vector)


def backward_types(dtype: np.dtype[Any]) -> tuple[Any, ...]:
    """The argument types of a derivative: (x, y, parameters, dy, dx)."""
    import numba

    vector = numba.from_dtype(dtype)[::1]
    return (vector, vector, numba.types.UniTuple(numba.float64, 2), vector, vector)


def called_forward(function: Kernel) -> Called:
    """An activation's function, for a call by address."""
    return Called(function, forward_types)


def called_backward(function: Kernel) -> Called:
    """An activation's derivative, for a call by address."""
    return Called(function, backward_types)


# Elements that are worked on at once in place: few enough for L1.
PIECE = 1024


class ActivationOperands(Operands):
    """Operands of an activation; `inputs` elements per row, `kernel` its function or derivative.

    In place, x and y are one slot: a layer's output, which nothing else needs, makes way. So less
    memory is written, and more of it stays in the cache.
    """

    x: int  # slot
    y: int  # slot
    inputs: int
    first: float  # of its parameters
    second: float
    kernel: Called
    scratch: int = 0  # elements of scratch for each lane; 0 if not in place
    scratch_at: int = 0  # offset of the first lane's


@kernel
def activation_forward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    x = flat(m.activations, m, op.x, a, b, op.inputs)
    y = flat(m.activations, m, op.y, a, b, op.inputs)
    if op.scratch == 0:
        call_address(op.kernel, x, (op.first, op.second), y)
    else:
        # A function whose arguments are the same array would not be vectorised.
        own = scratch_of(op, m, lane)
        for k in range(0, y.size, PIECE):
            part = y[k : k + PIECE]
            for j in range(part.size):
                own[j] = part[j]
            call_address(op.kernel, own[: part.size], (op.first, op.second), part)


@kernel
def activation_backward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    x = flat(m.activations, m, op.x, a, b, op.inputs)
    y = flat(m.activations, m, op.y, a, b, op.inputs)
    dy = flat(m.deltas, m, op.y, a, b, op.inputs)
    dx = flat(m.deltas, m, op.x, a, b, op.inputs)
    if op.scratch == 0:
        call_address(op.kernel, x, y, (op.first, op.second), dy, dx)
    else:
        own = scratch_of(op, m, lane)
        for k in range(0, y.size, PIECE):
            part, values = dx[k : k + PIECE], y[k : k + PIECE]
            for j in range(part.size):
                own[j] = part[j]
            d = own[: part.size]
            call_address(op.kernel, values, values, (op.first, op.second), d, part)


class SoftmaxOperands(Operands):
    """Operands of a softmax over the `inputs` elements of each row."""

    x: int  # slot
    y: int  # slot
    inputs: int


@kernel
def softmax_forward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    z = slot(m.activations, m, op.x, rows, op.inputs)
    y = slot(m.activations, m, op.y, rows, op.inputs)
    softmax.softmax_forward(z[a:b], y[a:b])


@kernel
def softmax_backward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    y = slot(m.activations, m, op.y, rows, op.inputs)
    dy = slot(m.deltas, m, op.y, rows, op.inputs)
    dz = slot(m.deltas, m, op.x, rows, op.inputs)
    softmax.softmax_backward(y[a:b], dy[a:b], dz[a:b])
