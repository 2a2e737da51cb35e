"""Shared by the ops of augmentations: they run on the images of a window, a part of an epoch.

`first` is the position in the epoch of the current rows, `step` is the number of the epoch, and
`m.batch[0]` counts the rows of the window before them; see training/windows.py.
"""

from typing import Any

import numpy as np

from mnistlab.runtime.kernel import kernel, view
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.op import Operands
from mnistlab.runtime.random import random32, stream_key


class MapOperands(Operands):
    """Operands of an op that moves coordinates."""

    coordinates: int  # slot: the row coordinates at which an image is sampled, then the columns
    height: int
    width: int
    seed: int  # the run's
    stream: int  # which stream of random numbers, by augmentation


@view
def coordinates_of(op: Any, m: Memory, row: int) -> tuple[np.ndarray, np.ndarray]:
    """The row and column coordinates at which an image is sampled, each (height · width,)."""
    pixels = op.height * op.width
    both = m.activations[op.coordinates * m.capacity + row * 2 * pixels :]
    return both[:pixels], both[pixels : 2 * pixels]


@kernel
def image_keys(op: Any, epoch: int, position: int) -> tuple[int, int]:
    """The keys of the random numbers for one image of an epoch."""
    key, other_key = (
        stream_key(op.seed, op.stream, epoch, 0),
        stream_key(op.seed, op.stream, epoch, 1),
    )
    return random32(key, other_key, position), random32(other_key, key, position)
