"""What the ops of augmentations share: they run on the images of a window, a part of an epoch.

`first` is the position in the epoch of the rows at hand, `step` is the number of the epoch, and
`m.batch[0]` counts the rows of the window before them; see training/windows.py.
"""

from typing import Any

import numpy as np

from mnistlab.runtime.kernel import kernel, view
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.op import Operands
from mnistlab.runtime.random import random32, stream_key


class MapOperands(Operands):
    """Of an op that moves coordinates."""

    coordinates: int  # slot: the rows that an image is read at, then its columns
    height: int
    width: int
    seed: int  # the run's
    stream: int  # which augmentation's random numbers


@view
def coordinates_of(op: Any, m: Memory, row: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows and the columns at which an image is read, each (height · width,)."""
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
