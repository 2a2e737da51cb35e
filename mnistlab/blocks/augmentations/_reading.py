"""The first and the last op of augmentation: before coordinates are moved, and after."""

from typing import Any

import numpy as np

from mnistlab.blocks.augmentations._coordinates import (
    FRAME,
    identity_map,
    neighbours,
    read_at,
)
from mnistlab.blocks.augmentations._ops import coordinates_of
from mnistlab.runtime.gather import prefetch_image
from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.op import Operands
from mnistlab.runtime.parts import rows_of, scratch_of


class ReadOperands(Operands):
    """Operands of `begin_maps` and `read_images`."""

    coordinates: int  # slot, see MapOperands
    height: int
    width: int
    scratch: int
    scratch_at: int


@kernel
def begin_maps(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """Set the coordinates to the pixels themselves, before the augmentations move them.

    The images are prefetched, because they are scattered over the memory.
    """
    a, b = rows_of(op, rows, lane)
    if a < b:
        first_ys, first_xs = coordinates_of(op, m, a)
        identity_map(op.width, first_ys, first_xs)
        for i in range(a, b):
            prefetch_image(m, first + i)
            ys, xs = coordinates_of(op, m, i)
            for p in range(ys.size):
                ys[p], xs[p] = first_ys[p], first_xs[p]


@kernel
def read_images(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """Sample the images of the rows at their coordinates, into the window."""
    a, b = rows_of(op, rows, lane)
    pixels, stride = op.height * op.width, op.width + FRAME
    words = scratch_of(op, m, lane).view(np.uint32)
    found, fours = words[:pixels], words[pixels:][: (op.height + 2) * stride]
    padded = words[pixels + fours.size :].view(np.uint8)[: (op.height + FRAME) * stride + 1]
    padded[:] = 0
    for i in range(a, b):
        ys, xs = coordinates_of(op, m, i)
        neighbours(m.images[m.order[first + i]], op.width, padded, fours)
        read_at(op.height, op.width, fours, ys, xs, found, m.augmented[m.batch[0] + i])
