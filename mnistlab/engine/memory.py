"""The workspace that ops read and write, made for a program and the images it is to see."""

from typing import Any

import numpy as np

from mnistlab.data import Split
from mnistlab.engine.program import Memory, Program

CACHE_LINE = 64  # bytes
# Images looked at to see how many of their pixels are zero.
LOOKED_AT = 1000


def lit_share(split: Split, offset: float) -> float:
    """The share of pixels that the network does not see as zero, in a sample of `split`.

    `offset` is the network's input where a byte is zero.
    """
    if offset != 0:
        return 1.0
    sample = split.images[split.indices[:LOOKED_AT]]
    return np.count_nonzero(sample) / max(1, sample.size)


def zeros(size: int, dtype: Any) -> np.ndarray:
    """Zeros (size,) that begin on a cache line: a vector across two takes twice as long."""
    kind = np.dtype(dtype)
    buffer = np.zeros(size * kind.itemsize + CACHE_LINE, np.uint8)
    begin = -buffer.ctypes.data % CACHE_LINE
    return buffer[begin : begin + size * kind.itemsize].view(kind)


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
    words, bytes_ = program.lit
    dtype, size = program.dtype, program.size
    scale, offset = (program.dtype.type(number) for number in pixel)
    images = np.asarray(split.images).reshape(len(split.images), -1)
    labels = np.asarray(split.labels).view()
    images.flags.writeable = labels.flags.writeable = False
    return Memory(
        params=zeros(size, dtype) if params is None else params,
        grads=zeros(size if training else 0, dtype),
        state1=zeros(size if program.states > 0 else 0, dtype),
        state2=zeros(size if program.states > 1 else 0, dtype),
        taken=zeros(size if program.keeps_taken else 0, dtype),
        activations=zeros(rows * program.row_size, dtype),
        deltas=zeros(rows * program.row_size if training else 0, dtype),
        scratch=zeros(program.scratch, dtype),
        lane_grads=zeros(program.lane_grads if training else 0, dtype),
        outputs=zeros((evaluated or 0) * program.classes, dtype),
        numbers=zeros(program.numbers, np.uint32),
        lit_bits=zeros(words, np.uint64),
        lit_bytes=zeros(bytes_, np.uint8),
        lit_values=(np.arange(256) * scale + offset).astype(dtype),
        losses=np.zeros(rows if evaluated is None else evaluated),
        totals=np.zeros(3),
        images=images,
        labels=labels,
        order=np.ascontiguousarray(split.indices, np.int64),
        targets=np.zeros(rows, np.int64),
        rates=np.zeros(1),
        pixel=np.array(pixel, np.float64),
        batch=np.zeros(2, np.int64),
        rates_from=0,
        capacity=rows,
    )
