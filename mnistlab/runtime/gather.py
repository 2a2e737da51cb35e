"""Copies the images of a batch into the network's input."""

from typing import Any

from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.memory import CACHE_LINE, Memory
from mnistlab.runtime.op import Operands
from mnistlab.runtime.parts import rows_of, slot
from mnistlab.runtime.vectors import prefetch

# Images are prefetched this many ahead, because they are scattered over the memory.
AHEAD = 32


class GatherOperands(Operands):
    """Operands of `gather`: the slot and the size of an image."""

    y: int
    outputs: int


@kernel
def take_labels(m: Memory, first: int, a: int, b: int) -> None:
    """The labels of the batch's rows [a, b)."""
    for i in range(a, b):
        m.targets[i] = m.labels[m.order[first + i]]


@kernel
def prefetch_image(m: Memory, place: int) -> None:
    """Prefetch the image at a place of the order: the next ones are scattered over the memory."""
    coming = m.images[m.order[place]]
    for j in range(0, coming.size, CACHE_LINE):
        prefetch(coming, j)


@kernel
def gather(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """The batch's labels, and its images from bytes to values: y = pixel · scale + offset."""
    a, b = rows_of(op, rows, lane)
    y = slot(m.activations, m, op.y, rows, op.outputs)
    scale, offset = y.dtype.type(m.pixel[0]), y.dtype.type(m.pixel[1])
    take_labels(m, first, a, b)
    for i in range(a, b):
        if first + i + AHEAD < m.order.size:
            prefetch_image(m, first + i + AHEAD)
        image, row = m.images[m.order[first + i]], y[i]
        for j in range(row.size):
            row[j] = image[j] * scale + offset
