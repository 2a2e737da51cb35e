"""What a lowered model is: a table of ops over one parameter vector and one workspace.

An op is a record: the address of a compiled function (passes.py), how many lanes it is split into,
and where its operands lie. The loop in epoch.py walks the table and knows nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from types import SimpleNamespace
from typing import Any, NamedTuple

import numba
import numpy as np
from numba import types

from mnistlab.kernels import jit

OP_DTYPE = np.dtype(
    [
        ("function", np.int64),  # address of the op's function
        ("kernel", np.int64),  # address of the activation that the function applies, if any
        ("lanes", np.int64),  # independent parts of the work; fixed by shape, never by threads
        ("joined", np.int64),  # of the first op of a launch: how many ops the launch runs …
        ("launch_lanes", np.int64),  # … and on how many lanes
        ("once", np.int64),  # 1: runs only after the last rows of a batch
        ("grain", np.int64),  # of the batch's rows, how many always stay in one lane
        ("by_column", np.int64),  # 1: lanes divide columns; 0: lanes divide the batch's rows
        ("x", np.int64),  # slot of the input in the workspace, in elements per row
        ("y", np.int64),  # slot of the output
        ("inputs", np.int64),  # elements per row of the input
        ("outputs", np.int64),  # elements per row of the output
        ("weight", np.int64),  # offset of the weight, or of the tensor an update is for
        ("bias", np.int64),  # offset of the bias
        ("biases", np.int64),  # elements of the bias; 0 for none
        ("channels", np.int64),  # of a convolution or pooling: its input's …
        ("height", np.int64),
        ("width", np.int64),
        ("filters", np.int64),  # … and its output's
        ("rows", np.int64),
        ("columns", np.int64),
        ("side", np.int64),  # of the patch
        ("stride", np.int64),
        ("padding", np.int64),
        ("dealt", np.int64),  # slot of its input with the columns dealt out by the stride
        ("scratch", np.int64),  # elements of scratch that each lane has …
        ("scratch_at", np.int64),  # … from here on
        ("lane_grads", np.int64),  # of a convolution: elements of each lane's own gradient, …
        ("lane_grads_at", np.int64),  # … which begin here
        ("shares", np.int64),  # … and into how many lanes its gradient was split
        ("seed", np.int64),  # of dropout: the run's
        ("stream", np.int64),  # of dropout: which layer's random numbers
        ("size", np.int64),  # elements of the tensor an update is for
        ("listed", np.int64),  # of a layer that skips zeros: rows listed together, …
        ("parts", np.int64),  # … parts of a tile, or of the inputs, that lanes divide, …
        ("tile", np.int64),  # … columns of its weight that lie together, …
        ("tiles", np.int64),  # … and where all these tiles begin, …
        ("collected", np.int64),  # … where in the scratch its tiles or parts of output are, …
        ("collected_each", np.int64),  # … how much each part takes, …
        ("numbers_at", np.int64),  # where an op's whole numbers, or words of bits, begin
        ("use", np.int64),  # of a weight's gradient: what becomes of it, see gradient_use.py
        ("training", np.int64),  # for a head: whether it sends a gradient down
        ("mean", np.int64),  # for a head: whether the gradient is a mean over the batch
        ("mode", np.int64),  # for an update: a variant of the rule
        ("parameter", np.float64),  # of an activation; of dropout: the share dropped
        ("lr_scale", np.float64),
        ("l1", np.float64),
        ("l2", np.float64),
        ("decay1", np.float64),  # momentum, beta1 or alpha
        ("decay2", np.float64),  # beta2
        ("epsilon", np.float64),
        ("weight_decay", np.float64),
    ]
)
"""One op. Offsets and sizes are in elements; a slot of n elements per row takes n · capacity."""


class Memory(NamedTuple):
    """All that ops read and write. T is the run's dtype; every array is contiguous.

    A slot at s with n elements per row is `activations[s · capacity :][: rows · n]`, row by row.
    """

    params: np.ndarray  # T (parameters,): all weights and biases
    grads: np.ndarray  # T (parameters,)
    state1: np.ndarray  # T (parameters,) or (0,): velocity, first moments
    state2: np.ndarray  # T (parameters,) or (0,): second moments
    taken: np.ndarray  # T (parameters,) or (0,): what a penalty takes off besides the step
    activations: np.ndarray  # T: the values of every slot
    deltas: np.ndarray  # T: the loss's gradient by every slot
    scratch: np.ndarray  # T: the patches of an image, for each lane
    lane_grads: np.ndarray  # T: a convolution's gradient of each lane's images
    outputs: np.ndarray  # T (images · classes,) or (0,): the network's outputs, when evaluating
    numbers: np.ndarray  # uint32: where the taps of a convolution are
    lit_bits: np.ndarray  # uint64: what is not zero, see lit_pixels.py and sparse.py, …
    lit_bytes: np.ndarray  # uint8: … and the images, pixel by pixel
    lit_values: np.ndarray  # T (256,): what the network sees of each byte
    losses: np.ndarray  # float64 (capacity or images,): a loss for every row
    totals: np.ndarray  # float64 (3,): sum of losses, correct predictions, images since cleared
    images: np.ndarray  # uint8 (images, pixels), read-only
    labels: np.ndarray  # uint8 (images,), read-only
    order: np.ndarray  # int64: the images in the order in which they are taken
    targets: np.ndarray  # int64 (capacity,): the labels of the batch
    rates: np.ndarray  # float64 (steps,): the learning rates of the steps from `rates_from` on
    pixel: np.ndarray  # float64 (2,): scale and offset from a byte to the network's input
    batch: np.ndarray  # int64 (2,): rows of the batch done before those at hand, and all its rows
    rates_from: int  # the step, counted from the run's first, that rates[0] is for
    capacity: int  # rows that the workspace holds


@cache
def memory_type(dtype: np.dtype[Any]) -> Any:
    """The compiler's type of a Memory whose T is `dtype`."""
    vector, wide, index = numba.from_dtype(dtype)[::1], types.float64[::1], types.int64
    pixels = types.Array(types.uint8, 2, "C", readonly=True)
    labels = types.Array(types.uint8, 1, "C", readonly=True)
    places = index[::1]
    lit = (types.uint64[::1], types.uint8[::1], vector)
    fields = [
        *[vector] * 10,
        types.uint32[::1],
        *lit,
        wide,
        wide,
        pixels,
        labels,
        places,
        places,
        wide,
        wide,
        places,
        index,
        index,
    ]
    return types.NamedTuple(fields, Memory)


@cache
def function_types(dtype: np.dtype[Any]) -> tuple[Any, ...]:
    """The argument types of every op: (op, memory, lane, step, first, rows).

    `step` counts from the run's first step, `first` and `rows` are the batch's place in `order`.
    """
    return (numba.from_dtype(OP_DTYPE), memory_type(dtype), *[types.int64] * 4)


@cache
def kernel_types(dtype: np.dtype[Any], backward: bool) -> tuple[Any, ...]:
    """The argument types of an activation: (x, parameter, y), or (x, y, parameter, dy, dx)."""
    vector = numba.from_dtype(dtype)[::1]
    if backward:
        return (vector, vector, types.float64, vector, vector)
    return (vector, types.float64, vector)


@dataclass(frozen=True)
class Op:
    """An op before its functions have addresses: the function of passes.py, and its operands."""

    function: Any
    operands: dict[str, Any]
    kernel: Any = None
    kernel_is_backward: bool = False
    tensor: str = ""  # the weight whose gradient the op makes, if it may also use it
    sends_down: bool = False  # makes a weight's gradient while it sends the loss's down
    joins: bool = False  # runs in the launch of the op before it, each lane after its own part

    def having(self, **operands: Any) -> "Op":
        """The same op with these operands besides, or in place of its own."""
        return replace(self, operands={**self.operands, **operands})

    def functions(self, dtype: np.dtype[Any]) -> list[tuple[Any, tuple[Any, ...]]]:
        """The functions to compile for this op, with their argument types."""
        needed = [(self.function, function_types(dtype))]
        if self.kernel is not None:
            needed.append((self.kernel, kernel_types(dtype, self.kernel_is_backward)))
        return needed


@dataclass(frozen=True)
class TensorSpec:
    """A weight or bias: its name, where it lies in the parameter vector, and its fans."""

    name: str
    layer: str
    shape: tuple[int, ...]
    offset: int
    fan_in: int
    fan_out: int

    @property
    def is_bias(self) -> bool:
        return self.name.endswith(".bias")

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))


@dataclass(frozen=True)
class LayerSpec:
    """A layer as it is shown to people; sizes are per image."""

    name: str
    kind: str
    description: str
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    parameters: int = 0
    slot: int = 0  # where the layer's output lies in the workspace
    activation: str | None = None  # the activation that follows the layer directly, if any
    activation_slot: int = 0  # where its output lies; the layer's own where none follows


def beside(ops: Sequence[Op]) -> tuple[Op, ...]:
    """Ops that do not read what another of them writes, in one launch."""
    return tuple(replace(op, joins=number > 0) for number, op in enumerate(ops))


@dataclass(frozen=True)
class Program:
    """A model, its loss and its optimizer as lists of ops."""

    dtype: np.dtype[Any]
    classes: int
    pixels: int
    layers: tuple[LayerSpec, ...]
    tensors: tuple[TensorSpec, ...]
    size: int  # elements of the parameter vector, padding included
    capacity: int  # rows that are worked on at once; a larger batch is done part by part
    row_size: int  # elements per row of the workspace
    numbers: int  # whole numbers that ops keep
    lit: tuple[int, int]  # of layers that skip zeros: words of bits, and bytes
    forward: tuple[Op, ...]  # gather and every layer
    evaluation_head: Op
    training_head: Op
    outcome: Op  # of a batch: its losses and hits to the totals, or its outputs kept
    deltas: tuple[Op, ...]  # the loss's gradient sent down from layer to layer
    gradients: tuple[Op, ...]  # of the weights and biases, from the deltas
    sums: tuple[Op, ...]  # of the gradients that lanes have summed apart
    penalties: tuple[Op, ...]  # gradients of the penalty
    step: tuple[Op, ...]  # in training, from the deltas to the new weights
    enter: tuple[Op, ...]  # before any of these: weights to where the loop has them, …
    leave: tuple[Op, ...]  # … and back
    fused: bool  # whether `step` takes some gradients at once, never keeping them in `grads`
    scratch: int  # elements of the scratch of all lanes
    lane_grads: int  # elements of the lanes' own gradients
    states: int  # vectors of optimizer state: 0, 1 or 2
    keeps_taken: bool  # whether a penalty is part of the step

    @property
    def parameters(self) -> int:
        """The number of weights and biases."""
        return sum(tensor.size for tensor in self.tensors)

    @property
    def evaluation(self) -> tuple[Op, ...]:
        """Forward, to outputs and losses, behind `enter`."""
        return (*self.forward, self.evaluation_head, self.outcome.having(training=0))

    @property
    def loss(self) -> tuple[Op, ...]:
        """Forward, to the losses of a batch."""
        return (*self.enter, *self.forward, self.training_head, *self.leave)

    @property
    def backward(self) -> tuple[Op, ...]:
        """From the loss's gradient to those of weights and biases."""
        return (*self.deltas, *self.gradients, *self.sums)

    @property
    def gradient(self) -> tuple[Op, ...]:
        """Forward and backward: the gradient of a batch's objective, in `grads`."""
        up = (*self.enter, *self.forward, self.training_head)
        return (*up, *self.backward, *self.penalties, *self.leave)

    @property
    def training(self) -> tuple[Op, ...]:
        """A whole step, between `enter` and `leave`."""
        return (*self.forward, self.training_head, *self.step)

    @property
    def lists(self) -> list[tuple[Op, ...]]:
        """The lists of ops that a trainer needs compiled."""
        return [self.enter, self.training, self.leave, self.gradient]


def assemble(ops: tuple[Op, ...], dtype: np.dtype[Any]) -> np.ndarray:
    """The table of `ops`, OP_DTYPE (ops,), every function compiled or loaded from the cache."""
    table = np.zeros(len(ops), OP_DTYPE)
    table["grain"] = 1
    first = table[:1]
    for number, (record, op) in enumerate(zip(table, ops, strict=True)):
        for name, value in op.operands.items():
            record[name] = value
        record["function"] = jit.address_of(op.function, function_types(dtype))
        if op.kernel is not None:
            kernel = kernel_types(dtype, op.kernel_is_backward)
            record["kernel"] = jit.address_of(op.kernel, kernel)
        if not op.joins:
            first = table[number : number + 1]
        first["joined"] += 1
        first["launch_lanes"] = np.maximum(first["launch_lanes"], record["lanes"])
    return _readable(table) if jit.INTERPRETED else table


def _readable(table: np.ndarray) -> np.ndarray:
    """The same table for Python: compiled code reads a record's fields as attributes."""
    names = OP_DTYPE.names or ()
    ops = [SimpleNamespace(**dict(zip(names, record.tolist(), strict=True))) for record in table]
    readable = np.empty(len(ops), object)
    readable[:] = ops
    return readable
