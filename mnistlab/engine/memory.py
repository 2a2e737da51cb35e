"""The workspace that ops read and write, made for a program and the images it is to see."""

import numpy as np

from mnistlab.data import Split
from mnistlab.engine.program import Memory, Program


def allocate(
    program: Program,
    split: Split,
    rows: int,
    pixel: tuple[float, float],
    evaluated: int | None = None,
    params: np.ndarray | None = None,
) -> Memory:
    """A workspace for batches of up to `rows` images of `split`, all zero.

    `pixel` is the scale and offset from a byte to the network's input. `evaluated`: how many images
    are evaluated in one call; None when training. `params`: the parameter vector, where there is
    one already.
    """
    training = evaluated is None
    dtype, size = program.dtype, program.size
    images = np.asarray(split.images).reshape(len(split.images), -1)
    labels = np.asarray(split.labels).view()
    images.flags.writeable = labels.flags.writeable = False
    return Memory(
        params=np.zeros(size, dtype) if params is None else params,
        grads=np.zeros(size if training else 0, dtype),
        state1=np.zeros(size if program.states > 0 else 0, dtype),
        state2=np.zeros(size if program.states > 1 else 0, dtype),
        taken=np.zeros(size if program.keeps_taken else 0, dtype),
        activations=np.zeros(rows * program.row_size, dtype),
        deltas=np.zeros(rows * program.row_size if training else 0, dtype),
        scratch=np.zeros(program.scratch, dtype),
        lane_grads=np.zeros(program.lane_grads if training else 0, dtype),
        outputs=np.zeros((evaluated or 0) * program.classes, dtype),
        losses=np.zeros(rows if evaluated is None else evaluated),
        totals=np.zeros(3),
        images=images,
        labels=labels,
        order=np.ascontiguousarray(split.indices, np.int64),
        targets=np.zeros(rows, np.int64),
        rates=np.zeros(0),
        pixel=np.array(pixel, np.float64),
        rates_from=0,
        capacity=rows,
    )
