"""A lowered model: lists of ops over one parameter vector and one workspace."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mnistlab.runtime.memory import Sizes
from mnistlab.runtime.op import Op


@dataclass(frozen=True)
class TensorSpec:
    """A weight, bias or statistic: name, shape, offset in the parameter vector, and fans.

    `start` is the initial value of all its elements; None if the `init` sets it. A tensor that is
    not `trained` has no gradient: the training loop keeps a running statistic in it. The elements
    [begin, end) of `absent` belong to no connection: they are 0 and stay 0.
    """

    name: str
    layer: str
    shape: tuple[int, ...]
    offset: int
    fan_in: int
    fan_out: int
    start: float | None = None
    trained: bool = True
    absent: tuple[tuple[int, int], ...] = ()

    @property
    def present(self) -> np.ndarray:
        """Which elements belong to a connection, bool (size,)."""
        present = np.ones(self.size, bool)
        for begin, end in self.absent:
            present[begin:end] = False
        return present

    @property
    def kind(self) -> str:
        """What it is to its layer: weight, bias, scale, …"""
        return self.name.rpartition(".")[2]

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))


@dataclass(frozen=True)
class LayerSpec:
    """A layer for display; sizes are per image."""

    name: str
    kind: str
    description: str
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    parameters: int = 0
    slot: int = 0  # of the layer's output in the workspace
    activation: Any = None  # its block, if the layer is an activation or one follows it directly
    activation_slot: int = 0  # of the activation's output; the layer's own if none follows
    of_below: bool = False  # whether figures count it as a part of the layer below


@dataclass(frozen=True)
class Program:
    """A model, its loss and its optimizer as lists of ops.

    `pack` runs before any other list: it reorders weights as the ops need them. `unpack` runs after
    all, and restores their order.
    """

    dtype: np.dtype[Any]
    classes: int
    pixels: int
    layers: tuple[LayerSpec, ...]
    tensors: tuple[TensorSpec, ...]
    sizes: Sizes
    capacity: int  # rows that are processed at once; a larger batch is processed in parts
    forward: tuple[Op, ...]  # gather and every layer
    evaluation_head: Op
    training_head: Op
    record_batch: Op  # a batch's losses and hits to the totals, or its outputs kept
    deltas: tuple[Op, ...]  # the gradients of the inputs, from layer to layer
    gradients: tuple[Op, ...]  # of the weights and biases, from the deltas
    sums: tuple[Op, ...]  # of gradients that lanes have summed separately
    penalties: tuple[Op, ...]  # gradients of the penalty
    statistics: tuple[Op, ...]  # running statistics, from those of the batch
    step: tuple[Op, ...]  # in training, from the deltas to the new weights
    pack: tuple[Op, ...]
    unpack: tuple[Op, ...]
    augment: tuple[Op, ...]  # for the images of a window, before the other lists run
    fused: bool  # whether `step` uses some gradients at once and never stores them in `grads`

    @property
    def parameters(self) -> int:
        """The number of weights and biases."""
        return sum(int(tensor.present.sum()) for tensor in self.tensors if tensor.trained)

    @property
    def backward(self) -> tuple[Op, ...]:
        """From the loss's gradient to those of weights and biases."""
        return (*self.deltas, *self.gradients, *self.sums)

    @property
    def evaluation(self) -> Mapping[str, tuple[Op, ...]]:
        """The lists for evaluation: `pack`, and the forward pass to outputs and losses."""
        forward = (*self.forward, self.evaluation_head, self.record_batch.having(training=False))
        return {"pack": self.pack, "evaluate": forward}

    @property
    def training(self) -> Mapping[str, tuple[Op, ...]]:
        """The lists for training: `pack`, a whole step, `unpack`; and `gradient`.

        `augment` is one of them if the configuration augments images.
        """
        step = (*self.forward, self.training_head, *self.step)
        lists = {"pack": self.pack, "step": step, "unpack": self.unpack, "gradient": self.gradient}
        return {**lists, "augment": self.augment} if self.augment else lists

    @property
    def gradient(self) -> tuple[Op, ...]:
        """Forward and backward pass: the gradient of a batch's objective, in `grads`."""
        up = (*self.pack, *self.forward, self.training_head)
        return (*up, *self.backward, *self.penalties, *self.unpack)

    @property
    def batch_statistics(self) -> tuple[Op, ...]:
        """Forward pass, to the statistics of a batch in the place of the running ones."""
        own = (op.having(momentum=0.0) for op in self.statistics)
        return (*self.pack, *self.forward, *own, *self.unpack)

    @property
    def loss(self) -> tuple[Op, ...]:
        """Forward pass, to the losses of a batch."""
        return (*self.pack, *self.forward, self.training_head, *self.unpack)
