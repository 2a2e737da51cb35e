"""Shared by the updates of all optimizers: one tensor, a lane's part of it, its dither."""

from typing import Any, NamedTuple

import numpy as np

from mnistlab.blocks.optimizers._momentum import MomentumRamp
from mnistlab.runtime.dither import NONE, UPDATE, dither_of
from mnistlab.runtime.kernel import Kernel, kernel, view
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.op import Operands
from mnistlab.runtime.parts import rows_of


class UpdateOperands(Operands):
    """Operands of an update of one tensor in the training loop."""

    weight: int  # offset in the parameter vector
    size: int  # elements
    lr_scale: float
    dithered: bool  # whether steps below the spacing of float32 are taken in the mean


class Update(NamedTuple):
    """An optimizer's op for one tensor, its own operands, and its number of state vectors."""

    function: Kernel
    operands: type[UpdateOperands]
    hyperparameters: dict[str, Any]
    states: int


class FusedUpdate(NamedTuple):
    """An update that uses a gradient while it is in registers; see gradient_action.py.

    Networks that train side by side have the same one.
    """

    gradient_action: int
    momentum: float | MomentumRamp


@view
def part(op: Any, values: np.ndarray, lane: int) -> np.ndarray:
    """A lane's part of the updated tensor."""
    a, b = rows_of(op, op.size, lane)
    return values[op.weight + a : op.weight + b]


@kernel
def dither_for(op: Any, m: Memory, lane: int, step: int, kind: int) -> int:
    """The dither for a lane's part of the tensor; it depends on the step's number alone."""
    a, _ = rows_of(op, op.size, lane)
    return dither_of(m.params, step, op.weight + a, kind)


@kernel
def update_dither(op: Any, m: Memory, lane: int, step: int) -> int:
    """The dither of an optimizer's own step; NONE where no penalty is part of the gradient."""
    return dither_for(op, m, lane, step, UPDATE) if op.dithered else NONE
