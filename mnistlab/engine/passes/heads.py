"""The ends of a network: its outputs, its losses, and in training the gradient sent down."""

from typing import Any

import numpy as np

from mnistlab.engine.passes.views import rows_of, slot
from mnistlab.engine.program import Memory
from mnistlab.kernels import losses
from mnistlab.kernels.jit import call_address, kernel, view


@kernel
def gradient_scale(op: Any, rows: int) -> float:
    """1/batch for the mean over a batch of its own size, 1 for the sum."""
    return 1.0 / rows if op.mean else 1.0


@kernel
def largest(y: np.ndarray) -> int:
    """The number of the largest of y (classes,), the first of equals."""
    found = 0
    for j in range(1, y.size):
        if y[j] > y[found]:
            found = j
    return found


@kernel
def tally(op: Any, m: Memory, y: np.ndarray, labels: np.ndarray, first: int) -> None:
    """Add the batch to the totals (training), or keep the outputs of each image (evaluation)."""
    if op.training:
        for i in range(y.shape[0]):
            m.totals[0] += m.losses[i]
            m.totals[1] += largest(y[i]) == labels[i]
        m.totals[2] += y.shape[0]
    else:
        width = y.shape[1]
        for i in range(y.shape[0]):
            for j in range(width):
                m.outputs[(first + i) * width + j] = y[i, j]


@view
def losses_of(op: Any, m: Memory, first: int, rows: int) -> np.ndarray:
    """Where a batch's losses go: one batch's when training, every image's when evaluating."""
    return m.losses[:rows] if op.training else m.losses[first : first + rows]


@kernel
def outcome(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """See `tally`, for a lane's rows."""
    a, b = rows_of(op, rows, lane)
    y = slot(m.activations, m, op.y, rows, op.inputs)
    tally(op, m, y[a:b], m.targets[a:b], first + a)


@kernel
def cross_entropy_head(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """Softmax and cross-entropy in one: the gradient goes straight to the logits."""
    a, b = rows_of(op, rows, lane)
    labels = m.targets[a:b]
    z = slot(m.activations, m, op.x, rows, op.inputs)[a:b]
    y = slot(m.activations, m, op.y, rows, op.inputs)[a:b]
    losses.softmax_forward(z, y)
    losses.cross_entropy_loss(z, labels, losses_of(op, m, first, rows)[a:b])
    if op.training:
        dz = slot(m.deltas, m, op.x, rows, op.inputs)[a:b]
        losses.cross_entropy_backward(y, labels, gradient_scale(op, m.batch[1]), dz)


@kernel
def binary_cross_entropy_head(
    op: Any, m: Memory, lane: int, step: int, first: int, rows: int
) -> None:
    """Sigmoid and binary cross-entropy in one: the gradient goes straight to the logits."""
    a, b = rows_of(op, rows, lane)
    labels = m.targets[a:b]
    z = slot(m.activations, m, op.x, rows, op.inputs)[a:b]
    y = slot(m.activations, m, op.y, rows, op.inputs)[a:b]
    k = op.parameter
    call_address(op.kernel, z.reshape(-1), k, y.reshape(-1))
    losses.binary_cross_entropy_loss(z, k, labels, losses_of(op, m, first, rows)[a:b])
    if op.training:
        dz = slot(m.deltas, m, op.x, rows, op.inputs)[a:b]
        losses.binary_cross_entropy_backward(y, k, labels, gradient_scale(op, m.batch[1]), dz)


@kernel
def squared_error_head(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """Mean-squared error of the output slot x, whatever activation made it."""
    a, b = rows_of(op, rows, lane)
    labels = m.targets[a:b]
    y = slot(m.activations, m, op.x, rows, op.inputs)[a:b]
    losses.squared_error_loss(y, labels, losses_of(op, m, first, rows)[a:b])
    if op.training:
        dy = slot(m.deltas, m, op.x, rows, op.inputs)[a:b]
        losses.squared_error_backward(y, labels, gradient_scale(op, m.batch[1]), dy)
