"""The ends of a network: its outputs, its losses, and in training the gradient sent down."""

from typing import Any

import numpy as np

from mnistlab.engine.passes.views import slot
from mnistlab.engine.program import Memory
from mnistlab.kernels import losses
from mnistlab.kernels.jit import call_address, kernel


@kernel
def gradient_scale(op: Any, rows: int) -> float:
    """1/batch for the mean over a batch of its own size, 1 for the sum."""
    return 1.0 / rows if op.mean else 1.0


@kernel
def tally(op: Any, m: Memory, y: np.ndarray, labels: np.ndarray, first: int) -> None:
    """Add the batch to the totals (training), or keep the outputs of each image (evaluation)."""
    if op.training:
        for i in range(y.shape[0]):
            m.totals[0] += m.losses[i]
            m.totals[1] += np.argmax(y[i]) == labels[i]
        m.totals[2] += y.shape[0]
    else:
        width = y.shape[1]
        for i in range(y.shape[0]):
            for j in range(width):
                m.outputs[(first + i) * width + j] = y[i, j]


@kernel
def losses_of(op: Any, m: Memory, first: int, rows: int) -> np.ndarray:
    """Where a batch's losses go: one batch's when training, every image's when evaluating."""
    return m.losses[:rows] if op.training else m.losses[first : first + rows]


@kernel
def cross_entropy_head(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """Softmax and cross-entropy in one: the gradient goes straight to the logits."""
    labels = m.targets[:rows]
    z = slot(m.activations, m, op.x, rows, op.inputs)
    y = slot(m.activations, m, op.y, rows, op.inputs)
    losses.softmax_forward(z, y)
    losses.cross_entropy_loss(z, labels, losses_of(op, m, first, rows))
    if op.training:
        dz = slot(m.deltas, m, op.x, rows, op.inputs)
        losses.cross_entropy_backward(y, labels, gradient_scale(op, rows), dz)
    tally(op, m, y, labels, first)


@kernel
def binary_cross_entropy_head(
    op: Any, m: Memory, lane: int, step: int, first: int, rows: int
) -> None:
    """Sigmoid and binary cross-entropy in one: the gradient goes straight to the logits."""
    labels = m.targets[:rows]
    z = slot(m.activations, m, op.x, rows, op.inputs)
    y = slot(m.activations, m, op.y, rows, op.inputs)
    k = op.parameter
    call_address(op.kernel, z.reshape(-1), k, y.reshape(-1))
    losses.binary_cross_entropy_loss(z, k, labels, losses_of(op, m, first, rows))
    if op.training:
        dz = slot(m.deltas, m, op.x, rows, op.inputs)
        losses.binary_cross_entropy_backward(y, k, labels, gradient_scale(op, rows), dz)
    tally(op, m, y, labels, first)


@kernel
def squared_error_head(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """Mean-squared error of the output slot x, whatever activation made it."""
    labels = m.targets[:rows]
    y = slot(m.activations, m, op.x, rows, op.inputs)
    losses.squared_error_loss(y, labels, losses_of(op, m, first, rows))
    if op.training:
        dy = slot(m.deltas, m, op.x, rows, op.inputs)
        losses.squared_error_backward(y, labels, gradient_scale(op, rows), dy)
    tally(op, m, y, labels, first)
