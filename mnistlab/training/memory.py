"""The memory of a program for the images of a dataset."""

import numpy as np

from mnistlab.data import Split
from mnistlab.runtime.memory import Memory, allocate
from mnistlab.runtime.program import Program

# How many images are sampled to count non-zero pixels.
LOOKED_AT = 1000


def nonzero_share(split: Split) -> float:
    """The share of pixels that are not zero, in a sample of `split`."""
    sample = split.images[split.indices[:LOOKED_AT]]
    return np.count_nonzero(sample) / max(1, sample.size)


def with_soft_targets(memory: Memory, program: Program) -> Memory:
    """The memory with room for a teacher's probabilities of every image; all equal until set."""
    uniform = np.full(len(memory.images) * program.classes, 1 / program.classes, program.dtype)
    return memory._replace(outputs=uniform)


def workspace(
    program: Program,
    split: Split,
    rows: int,
    pixel: tuple[float, float],
    evaluated: int | None = None,
    params: np.ndarray | None = None,
) -> Memory:
    """The memory of a program for batches of up to `rows` images of `split`; see `allocate`."""
    return allocate(
        program.sizes,
        program.dtype,
        program.classes,
        split.images,
        split.labels,
        split.indices,
        rows,
        pixel,
        evaluated,
        params,
    )
