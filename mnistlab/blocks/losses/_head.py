"""Shared by the heads of all networks: operands, losses, and the recording of outputs."""

from typing import Any

import numpy as np

from mnistlab.runtime.kernel import kernel, view
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.op import Operands
from mnistlab.runtime.parts import rows_of, slot

# Whether the gradient of a batch is a mean, by the configuration's `reduction`.
MEAN = {"mean": True, "sum": False}


class HeadOperands(Operands):
    """Operands of a loss of x, `inputs` elements per row; the output activation is written to y."""

    x: int  # slot
    y: int  # slot
    inputs: int
    mean: bool  # whether the gradient is a mean over the batch
    training: bool  # whether a gradient is computed


class ExactHeadOperands(HeadOperands):
    """Operands of a loss whose gradient by the label's logit can be computed without y − 1."""

    # Where the probability y of the label rounds to 1, y − 1 has no digit, but the gradients of the
    # other logits have all. For a step of training both are nothing; for the direction of the
    # gradient they are not.
    exact: bool


def head_operands(builder: Any, y: int, reduction: str) -> dict[str, Any]:
    """HeadOperands for the values of the last layer; `y` is the output activation's slot."""
    return {
        "x": builder.top,
        "y": y,
        "inputs": builder.width,
        "mean": MEAN[reduction],
        "training": True,
    }


def put_output(builder: Any, output: Any, y: int) -> None:
    """Record an output activation that the loss computes itself, with its slot `y`."""
    builder.add_layer(output.type, "activation", "", builder.shape, 0, y, output)
    builder.top = y


class RecordOperands(Operands):
    """Operands of `record_batch`: the network's outputs, `inputs` elements per row."""

    y: int  # slot
    inputs: int
    training: bool


@kernel
def gradient_scale(op: Any, rows: int) -> float:
    """1/batch for the mean over a batch of its actual size, 1 for the sum."""
    return 1.0 / rows if op.mean else 1.0


@kernel
def largest(y: np.ndarray) -> int:
    """The index of the largest of y (classes,), the first of equal ones."""
    found = 0
    for j in range(1, y.size):
        if y[j] > y[found]:
            found = j
    return found


@kernel
def record_rows(op: Any, m: Memory, y: np.ndarray, labels: np.ndarray, first: int) -> None:
    """Add the batch to the totals (training), or store the outputs of each image (evaluation)."""
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
    """The array for a batch's losses: one batch's in training, every image's in evaluation."""
    return m.losses[:rows] if op.training else m.losses[first : first + rows]


@kernel
def record_batch(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """`record_rows` for a lane's rows."""
    a, b = rows_of(op, rows, lane)
    y = slot(m.activations, m, op.y, rows, op.inputs)
    record_rows(op, m, y[a:b], m.targets[a:b], first + a)
