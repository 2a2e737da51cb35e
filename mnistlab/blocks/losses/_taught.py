"""Soft targets: the probabilities of another network, the teacher, beside the labels.

Source: Hinton, Vinyals and Dean, Distilling the knowledge in a neural network (2015), section 2.
"""

from typing import Any

import numpy as np

from mnistlab.blocks.losses._head import HeadOperands, gradient_scale, losses_of
from mnistlab.blocks.losses.cross_entropy import cross_entropy_backward, softmax_cross_entropy
from mnistlab.runtime.elementary import exp
from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.parts import rows_of, slot


@kernel
def taught_loss(z: np.ndarray, p: np.ndarray, temperature: float) -> float:
    """T² Σₖ pₖ (log pₖ − log qₖ) of one image, q = softmax(z / T); z, p (classes,)."""
    largest, total, found = z[0], np.float64(0), np.float64(0)
    for j in range(z.size):
        largest = max(largest, z[j])
    for j in range(z.size):
        total += exp(np.float64(z[j] - largest) / temperature)
    for j in range(z.size):
        if p[j] > 0:
            log_q = np.float64(z[j] - largest) / temperature - np.log(total)
            found += np.float64(p[j]) * (np.log(np.float64(p[j])) - log_q)
    return temperature * temperature * found


@kernel
def taught_backward(
    z: np.ndarray, p: np.ndarray, temperature: float, scale: float, dz: np.ndarray
) -> None:
    """dz += scale · T (q − p) of one image, q = softmax(z / T); z, p, dz (classes,)."""
    largest, total = z[0], np.float64(0)
    for j in range(z.size):
        largest = max(largest, z[j])
    for j in range(z.size):
        total += exp(np.float64(z[j] - largest) / temperature)
    for j in range(z.size):
        q = exp(np.float64(z[j] - largest) / temperature) / total
        dz[j] += z.dtype.type(scale * temperature * (q - np.float64(p[j])))


class TaughtHeadOperands(HeadOperands):
    """A head's, with the label smoothing, the temperature and the weight of the teacher."""

    smoothing: float
    temperature: float
    weight: float


@kernel
def taught_head(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """Softmax and both losses in one op. In training, `m.outputs` has the teacher's probabilities
    of every image of the source, so that they follow the image in any order.
    """
    a, b = rows_of(op, rows, lane)
    labels = m.targets[a:b]
    z = slot(m.activations, m, op.x, rows, op.inputs)[a:b]
    y = slot(m.activations, m, op.y, rows, op.inputs)[a:b]
    losses = losses_of(op, m, first, rows)[a:b]
    softmax_cross_entropy(z, labels, op.smoothing, y, losses)
    if op.training:
        dz = slot(m.deltas, m, op.x, rows, op.inputs)[a:b]
        scale = gradient_scale(op, m.batch[1])
        cross_entropy_backward(y, labels, op.smoothing, scale * (1 - op.weight), dz)
        for i in range(b - a):
            image = m.order[first + a + i]
            p = m.outputs[image * op.inputs : (image + 1) * op.inputs]
            of_teacher = taught_loss(z[i], p, op.temperature)
            losses[i] = (1 - op.weight) * losses[i] + op.weight * of_teacher
            taught_backward(z[i], p, op.temperature, scale * op.weight, dz[i])
