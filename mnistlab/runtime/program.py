"""What a lowered model is: lists of ops over one parameter vector and one workspace."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mnistlab.runtime.memory import Sizes
from mnistlab.runtime.op import Op


@dataclass(frozen=True)
class TensorSpec:
    """A weight or bias: its name, its offset in the parameter vector, and its fans."""

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
    slot: int = 0  # of the layer's output in the workspace
    activation: Any = None  # its block, where the layer is one or one follows it directly
    activation_slot: int = 0  # of its output; the layer's own where none follows


@dataclass(frozen=True)
class Program:
    """A model, its loss and its optimizer as lists of ops.

    `pack` runs before any other list: it brings weights to the order in which the ops want them.
    `unpack` runs after it, and brings them back.
    """

    dtype: np.dtype[Any]
    classes: int
    pixels: int
    layers: tuple[LayerSpec, ...]
    tensors: tuple[TensorSpec, ...]
    sizes: Sizes
    capacity: int  # rows that are worked on at once; a larger batch is done part by part
    forward: tuple[Op, ...]  # gather and every layer
    evaluation_head: Op
    training_head: Op
    record_batch: Op  # a batch's losses and hits to the totals, or its outputs kept
    deltas: tuple[Op, ...]  # the loss's gradient sent down from layer to layer
    gradients: tuple[Op, ...]  # of the weights and biases, from the deltas
    sums: tuple[Op, ...]  # of the gradients that lanes have summed apart
    penalties: tuple[Op, ...]  # gradients of the penalty
    step: tuple[Op, ...]  # in training, from the deltas to the new weights
    pack: tuple[Op, ...]
    unpack: tuple[Op, ...]
    fused: bool  # whether `step` takes some gradients at once, never keeping them in `grads`

    @property
    def parameters(self) -> int:
        """The number of weights and biases."""
        return sum(tensor.size for tensor in self.tensors)

    @property
    def backward(self) -> tuple[Op, ...]:
        """From the loss's gradient to those of weights and biases."""
        return (*self.deltas, *self.gradients, *self.sums)

    @property
    def evaluation(self) -> Mapping[str, tuple[Op, ...]]:
        """The lists that evaluate: forward, to outputs and losses, behind `pack`."""
        forward = (*self.forward, self.evaluation_head, self.record_batch.having(training=False))
        return {"pack": self.pack, "evaluate": forward}

    @property
    def training(self) -> Mapping[str, tuple[Op, ...]]:
        """The lists that train: a whole step, between `pack` and `unpack`; and `gradient`."""
        step = (*self.forward, self.training_head, *self.step)
        return {"pack": self.pack, "step": step, "unpack": self.unpack, "gradient": self.gradient}

    @property
    def gradient(self) -> tuple[Op, ...]:
        """Forward and backward: the gradient of a batch's objective, in `grads`."""
        up = (*self.pack, *self.forward, self.training_head)
        return (*up, *self.backward, *self.penalties, *self.unpack)

    @property
    def loss(self) -> tuple[Op, ...]:
        """Forward, to the losses of a batch."""
        return (*self.pack, *self.forward, self.training_head, *self.unpack)
