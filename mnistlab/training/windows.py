"""The source of an epoch's batches: the dataset, or augmented images in a window.

A window is a part of an epoch, a whole number of batches. Its images are augmented before its first
step, into bytes; training uses them like those of the dataset. A window depends only on the
configuration and the number of its epoch, so a resumed run makes it again.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mnistlab.config import RunConfig
from mnistlab.data import Dataset
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.program import Program
from mnistlab.runtime.table import Table, compile_tables
from mnistlab.training.lower import lower
from mnistlab.training.memory import workspace

# Images of a window, if a batch is not larger: they fit into the caches of most processors.
IMAGES = 2048


@dataclass(frozen=True)
class Window:
    """Steps that can be taken without a pause: `steps` from the epoch's step `first` on.

    `memory` has their `images`, in order.
    """

    memory: Memory
    first: int
    steps: int
    images: int


def window_steps(batch: int) -> int:
    """The steps of a window of augmented images, for this batch size."""
    return max(1, IMAGES // batch)


def window_rows(batch: int, images: int) -> int:
    """The images of a window, in an epoch of `images` images."""
    return min(images, window_steps(batch) * batch)


class AugmentedImages:
    """The images of an epoch, augmented window by window; one window is kept.

    An epoch has `images` images, in batches of `batch`.
    """

    def __init__(self, program: Program, batch: int, images: int) -> None:
        self.table: Table | None = None  # of the program's `augment`, once it is compiled
        self._batch = batch
        self._images = images
        self._steps = window_steps(batch)
        self._rows = rows = window_rows(batch, images)
        self._augmented = np.zeros((rows, program.pixels), np.uint8)
        self._labels = np.zeros(rows, np.uint8)
        self._order = np.arange(rows)
        self._kept = (-1, -1)  # epoch and index of the window

    def window(self, memory: Memory, epoch: int, step: int) -> Window:
        """The window of an epoch's step; `memory` has the epoch's order."""
        number = step // self._steps
        first = number * self._rows
        last = min(self._images, first + self._rows)
        if (epoch, number) != self._kept:
            assert self.table is not None, "not compiled"
            own = memory._replace(augmented=self._augmented)
            self.table.run(own, self._rows, self._images, number, number + 1, epoch)
            self._labels[: last - first] = memory.labels[memory.order[first:last]]
            self._kept = (epoch, number)
        images, labels = self._augmented.view(), self._labels.view()
        images.flags.writeable = labels.flags.writeable = False
        seen = memory._replace(images=images, labels=labels, order=self._order)
        return Window(seen, number * self._steps, self._steps, last - first)


def augmented(
    config: RunConfig,
    dataset: Dataset,
    indices: np.ndarray,
    count: int,
    tell: Callable[[str], None] = lambda text: None,
) -> np.ndarray:
    """`count` augmentations of each training image at these indices of the source.

    indices int64 (n,); returns uint8 (n, count, height, width). The random numbers are those of an
    epoch that begins with these images. `tell` receives messages about compilation.
    """
    program = lower(config, dataset.image_shape, len(dataset.class_names), len(indices) * count)
    (table,) = compile_tables({"augment": program.augment}, program.dtype, tell).values()
    pixel = (dataset.scale, dataset.offset)
    memory = workspace(program, dataset.train, program.capacity, pixel)
    order = np.repeat(indices, count)
    made = np.zeros((len(order), program.pixels), np.uint8)
    table.run(memory._replace(order=order, augmented=made), len(order), len(order), 0, 1, 0)
    return made.reshape(len(indices), count, *dataset.image_shape)
