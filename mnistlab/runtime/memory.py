"""All memory of a network in training, allocated once: no step allocates memory."""

from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np

CACHE_LINE = 64  # bytes


class Memory(NamedTuple):
    """All arrays that ops read and write. T is the run's dtype; every array is contiguous.

    The slot s with n elements per row is `activations[s · capacity :][: rows · n]`, row by row.
    """

    params: np.ndarray  # T (parameters,): all weights and biases
    grads: np.ndarray  # T (parameters,)
    states: np.ndarray  # T (states · parameters,): the optimizer's velocities or moments
    step_penalty: np.ndarray  # T (parameters,) or (0,): the penalty's own step
    activations: np.ndarray  # T: the values of every slot
    deltas: np.ndarray  # T: the gradient of the loss with respect to every slot
    scratch: np.ndarray  # T: temporary values of each lane
    lane_grads: np.ndarray  # T: a convolution's gradient over each lane's images
    # T (images · classes,) or (0,): the network's outputs in evaluation, a teacher's in training
    outputs: np.ndarray
    tap_offsets: np.ndarray  # uint32: the offsets of a convolution's taps
    listed_bits: np.ndarray  # uint64: which inputs are not zero
    listed_bytes: np.ndarray  # uint8: the listed images, pixel by pixel
    pixel_values: np.ndarray  # T (256,): the network's input for each byte
    losses: np.ndarray  # float64 (capacity or images,): a loss for every row
    squares: np.ndarray  # float64: sums of squares of the gradient, of each tensor and lane
    totals: np.ndarray  # float64 (3,): sum of losses, correct predictions, images since cleared
    images: np.ndarray  # uint8 (images, pixels), read-only
    augmented: np.ndarray  # uint8 (images of a window, pixels), or (0, 0): what augmentation makes
    labels: np.ndarray  # uint8 (images,), read-only
    order: np.ndarray  # int64: the images in the order in which they are used
    targets: np.ndarray  # int64 (capacity,): the labels of the batch
    rates: np.ndarray  # float64 (steps,): the learning rates of the steps from `rates_from` on
    momenta: np.ndarray  # float64 (steps,): the momentum of the same steps
    pixel: np.ndarray  # float64 (2,): scale and offset from a byte to the network's input
    batch: np.ndarray  # int64 (2,): rows of the batch before the current part, and all its rows
    networks: np.ndarray  # int64: of a group, the networks' memories; see group_loop.py
    settings: (
        np.ndarray
    )  # float64: of a group, what its networks differ in; see shared_input_ops.py
    rates_from: int  # the step of rates[0], counted from the run's first
    capacity: int  # rows of the workspace


@dataclass(frozen=True)
class Sizes:
    """How much memory the ops of a program need; see Memory."""

    parameters: int  # elements of the parameter vector, padding included
    row: int  # elements per row of the workspace
    scratch: int  # elements, of all lanes
    lane_grads: int  # elements, of all lanes
    tap_offsets: int
    listed_bits: int  # words
    listed_bytes: int
    squares: int  # sums of squares of the gradient's parts
    states: int  # the optimizer's state vectors, each as long as the parameter vector
    step_penalty: bool  # whether a penalty has its own step


@cache
def memory_type(dtype: np.dtype[Any]) -> Any:
    """The compiler's type of a Memory whose T is `dtype`."""
    import numba

    no_images = np.zeros((0, 0), np.uint8)
    return numba.typeof(_memory(dtype, no_images, no_images.reshape(-1), np.zeros(0, np.int64)))


def zeros(size: int, dtype: Any) -> np.ndarray:
    """Zeros (size,) aligned to a cache line: a vector across two lines takes twice as long."""
    kind = np.dtype(dtype)
    buffer = np.zeros(size * kind.itemsize + CACHE_LINE, np.uint8)
    begin = -buffer.ctypes.data % CACHE_LINE
    return buffer[begin : begin + size * kind.itemsize].view(kind)


def allocate(
    sizes: Sizes,
    dtype: np.dtype[Any],
    classes: int,
    images: np.ndarray,
    labels: np.ndarray,
    order: np.ndarray,
    rows: int,
    pixel: tuple[float, float],
    evaluated: int | None = None,
    params: np.ndarray | None = None,
) -> Memory:
    """A workspace for batches of up to `rows` images, all zero.

    images uint8 (n, height, width), labels uint8 (n,), order (m,): indices of images in the order
    of use. `pixel` is the scale and offset from a byte to the network's input. `evaluated`: the
    number of images evaluated in one call; None in training. `params`: an existing parameter vector
    to use.
    """
    training = evaluated is None
    size = sizes.parameters
    scale, offset = (dtype.type(number) for number in pixel)
    memory = _memory(
        dtype,
        np.asarray(images).reshape(len(images), -1),
        np.asarray(labels),
        np.ascontiguousarray(order, np.int64),
    )
    return memory._replace(
        params=zeros(size, dtype) if params is None else params,
        grads=zeros(size if training else 0, dtype),
        states=zeros(size * sizes.states if training else 0, dtype),
        step_penalty=zeros(size if sizes.step_penalty else 0, dtype),
        activations=zeros(rows * sizes.row, dtype),
        deltas=zeros(rows * sizes.row if training else 0, dtype),
        scratch=zeros(sizes.scratch, dtype),
        lane_grads=zeros(sizes.lane_grads if training else 0, dtype),
        outputs=zeros((evaluated or 0) * classes, dtype),
        tap_offsets=zeros(sizes.tap_offsets, np.uint32),
        listed_bits=zeros(sizes.listed_bits, np.uint64),
        listed_bytes=zeros(sizes.listed_bytes, np.uint8),
        pixel_values=(np.arange(256) * scale + offset).astype(dtype),
        squares=np.zeros(sizes.squares if training else 0),
        losses=np.zeros(rows if evaluated is None else evaluated),
        targets=np.zeros(rows, np.int64),
        pixel=np.array(pixel, np.float64),
        capacity=rows,
    )


def _memory(
    dtype: np.dtype[Any], images: np.ndarray, labels: np.ndarray, order: np.ndarray
) -> Memory:
    """A Memory with these images and no other elements."""
    images, labels = images.view(), labels.view()
    images.flags.writeable = labels.flags.writeable = False
    none = np.zeros(0, dtype)
    return Memory(
        params=none,
        grads=none,
        states=none,
        step_penalty=none,
        activations=none,
        deltas=none,
        scratch=none,
        lane_grads=none,
        outputs=none,
        tap_offsets=np.zeros(0, np.uint32),
        listed_bits=np.zeros(0, np.uint64),
        listed_bytes=np.zeros(0, np.uint8),
        pixel_values=none,
        losses=np.zeros(0),
        squares=np.zeros(0),
        totals=np.zeros(3),
        images=images,
        augmented=np.zeros((0, 0), np.uint8),
        labels=labels,
        order=order,
        targets=np.zeros(0, np.int64),
        rates=np.zeros(1),
        momenta=np.zeros(1),
        pixel=np.zeros(2),
        batch=np.zeros(2, np.int64),
        networks=np.zeros(0, np.int64),
        settings=np.zeros(0),
        rates_from=0,
        capacity=0,
    )
