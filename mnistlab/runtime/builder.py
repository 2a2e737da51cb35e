"""Builds a network layer by layer: each layer becomes ops and a slot for its output."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from mnistlab.runtime.gather import GatherOperands, gather
from mnistlab.runtime.kernel import Kernel
from mnistlab.runtime.lanes import MOST_LANES, row_lanes
from mnistlab.runtime.memory import Sizes
from mnistlab.runtime.op import Op, Operands
from mnistlab.runtime.params import aligned
from mnistlab.runtime.program import LayerSpec, TensorSpec
from mnistlab.support.errors import UsageError

# Rows of a batch that are processed at once. A larger batch is processed in parts, so that the
# output of a layer is still in the cache for the next, and a whole epoch as one batch needs little
# memory.
MOST_ROWS = 512
# Elements between what two lanes write, so that prefetching never reads another lane's page.
APART = 1024


class Incoming(NamedTuple):
    """Where a unit's incoming weights lie in the training loop.

    In a column: blocks of `block` of the `inputs` follow one another, in each the tiles, of which
    each input has a row of `tile` weights. Or where `tile` is 0, together, `inputs` of them.
    """

    inputs: int
    tile: int
    block: int


class Builder:
    """Each layer reads the slot `top` and sets a new one; `shape` is the shape of its values.

    `training`: with dropout, and a backward pass to the weights; else a backward pass to the image.
    `plain`: with plain kernels only. `whole`: a batch is never divided into parts. `smallest_batch`
    is the number of rows of the smallest batch in training; None if it is not known.
    `nonzero_share` is the share of the training images' pixels that are not zero, `offset` the
    network's input for a pixel of zero.
    """

    def __init__(
        self,
        seed: int,
        image_shape: tuple[int, int],
        rows: int,
        *,
        training: bool,
        plain: bool,
        whole: bool,
        smallest_batch: int | None,
        nonzero_share: float,
        offset: float,
    ) -> None:
        self.seed = seed
        self.key = "model"  # the configuration key of the current layer, for messages
        self.rows = rows if whole else min(rows, MOST_ROWS)
        self.smallest_batch = smallest_batch
        self.training = training
        self.nonzero_share, self.offset = nonzero_share, offset
        self.plain = plain
        self.shape: tuple[int, ...] = (1, *image_shape)
        self.width = math.prod(image_shape)
        self.top = 0  # the slot of the last layer's output
        self.overwritable = -1  # the slot that the next layer may use for its output, or -1
        self.on_image = True  # whether all layers so far are dropout and padding
        self.behind_relu = False  # whether the last layer is a ReLU, possibly followed by dropout
        # The share of values in that slot that is not zero, about.
        self.nonzero = nonzero_share if offset == 0 else 1.0
        self.grain = 1  # rows that stay together in a lane
        self.work = 0  # multiplications of all layers in the forward pass, for one image
        self.row_size = self.width
        self.size = 0  # of the parameter vector
        self.scratch = 0
        self.lane_grads = 0
        self.tap_offsets = 0
        self.listed_bits = 0
        self.listed_bytes = 0
        self.packed: dict[str, tuple[int, int]] = {}  # offset and size of a packed weight
        self.incoming: dict[str, Incoming] = {}  # of packed weights
        self.counts: Counter[str] = Counter()
        self.layers: list[LayerSpec] = []
        self.tensors: list[TensorSpec] = []
        self.pack: list[Op] = []
        self.unpack: list[Op] = []
        # Ops without their own number of lanes are divided by rows, all into the same lanes.
        self.forward: list[Op] = [Op(gather, GatherOperands(y=0, outputs=self.width))]
        self.deltas: list[Op] = []  # in the order of the layers; they run in reverse order
        self.gradients: list[Op] = []
        self.sums: list[Op] = []
        self.statistics: list[Op] = []  # that training keeps beside the weights

    def numbered(self, kind: str) -> str:
        """The name of the next layer of this kind: dense1, dense2, …"""
        self.counts[kind] += 1
        return f"{kind}{self.counts[kind]}"

    def take_scratch(self, size: int, lanes: int = MOST_LANES) -> dict[str, Any]:
        """Operands: `size` elements of scratch for each lane, on pages of their own."""
        apart = -(-size // APART) * APART + APART
        offset, self.scratch = self.scratch, self.scratch + lanes * apart
        return {"scratch": apart, "scratch_at": offset}

    def take_slot(self, width: int) -> int:
        """A new slot of `width` elements per row."""
        slot, self.row_size = self.row_size, self.row_size + width
        return slot

    def take_tap_offsets(self, size: int) -> int:
        """The offset of `size` new integers for a convolution's taps."""
        offset, self.tap_offsets = self.tap_offsets, self.tap_offsets + size
        return offset

    def take_params(self, size: int) -> int:
        """An offset in the parameter vector, after the tensors, for a weight in another order."""
        offset = aligned(self.size)
        self.size = offset + size
        return offset

    def add_tensor(
        self,
        layer: str,
        kind: str,
        shape: tuple[int, ...],
        fans: tuple[int, int],
        start: float | None = None,
        absent: Sequence[tuple[int, int]] = (),
    ) -> int:
        """The offset of a new weight or bias; `fans` are its fan-in and fan-out.

        `start` is its value before the first step, where the `init` does not say it. The elements
        in the ranges `absent` are always 0: the layer sets their gradient to 0.
        """
        name, absent = f"{layer}.{kind}", tuple(absent)
        return self._add(TensorSpec(name, layer, shape, 0, *fans, start, absent=absent))

    def add_statistic(self, layer: str, kind: str, shape: tuple[int, ...], start: float) -> int:
        """The offset of a new tensor that is no parameter: the loop keeps a statistic in it."""
        return self._add(TensorSpec(f"{layer}.{kind}", layer, shape, 0, 1, 1, start, trained=False))

    def _add(self, tensor: TensorSpec) -> int:
        offset = aligned(self.size)
        self.tensors.append(replace(tensor, offset=offset))
        self.size = offset + tensor.size
        return offset

    def incoming_of(self, weight: TensorSpec) -> Incoming:
        """Where the incoming weights of each unit lie: of a dense layer, or of a filter."""
        if weight.name in self.incoming:
            return self.incoming[weight.name]
        if len(weight.shape) == 2:
            inputs, units = weight.shape
            return Incoming(inputs, units, inputs)
        return Incoming(weight.size // weight.shape[0], 0, 0)

    def pack_weight(
        self,
        tensor: str,
        place: tuple[int, int],
        incoming: Incoming,
        pack: Kernel,
        unpack: Kernel,
        operands: Operands,
    ) -> None:
        """Reorder a weight before the loop runs, and restore its order after it.

        `place` is the offset and the size of the reordered weight.
        """
        self.packed[tensor], self.incoming[tensor] = place, incoming
        self.pack.append(Op(pack, operands, lanes=1))
        self.unpack.append(Op(unpack, operands, lanes=1))

    def in_the_loop(self, tensor: TensorSpec) -> dict[str, int]:
        """Operands of a tensor's update: its offset in the training loop, and its size."""
        offset, size = self.packed.get(tensor.name, (tensor.offset, tensor.size))
        return {"weight": offset, "size": size}

    def add_layer(
        self,
        name: str,
        kind: str,
        text: str,
        shape: tuple[int, ...],
        count: int,
        slot: int,
        activation: Any = None,
        of_below: bool = False,
    ) -> None:
        """Record a layer for display; `count` is the number of its weights and biases."""
        layer = LayerSpec(
            name, kind, text, self.shape, shape, count, slot, activation, slot, of_below
        )
        self.layers.append(layer)

    def set_output(self, slot: int, shape: tuple[int, ...], overwritable: bool = False) -> None:
        """Set the input of the next layer; overwritable: no other op needs it after that one."""
        self.overwritable = slot if overwritable else -1
        self.top, self.shape, self.width = slot, shape, math.prod(shape)
        self.on_image = self.behind_relu = False
        self.nonzero = 1.0

    def image(self, name: str) -> tuple[int, int, int]:
        """(channels, height, width) of what is below; raises UsageError if that is a vector."""
        if len(self.shape) != 3:
            raise UsageError(f"{self.key}: {name} needs an image, but follows flatten or dense")
        channels, height, width = self.shape
        return channels, height, width

    def patches(self, name: str, side: int, stride: int, padding: int) -> dict[str, int]:
        """The operands of a layer that reads patches; raises UsageError if no patch fits."""
        channels, height, width = self.image(name)
        if side > min(height, width) + 2 * padding:
            raise UsageError(
                f"{self.key}: {name} reads patches of {side} × {side}, "
                f"but its input is {height} × {width}"
                + (f" padded by {padding}" if padding else "")
            )
        return {
            "x": self.top,
            "channels": channels,
            "height": height,
            "width": width,
            "rows": (height + 2 * padding - side) // stride + 1,
            "columns": (width + 2 * padding - side) // stride + 1,
            "side": side,
            "stride": stride,
        }

    def by_rows(self, ops: Sequence[Op]) -> tuple[Op, ...]:
        """Ops that each write rows for the next one; those divided by rows are joined in one
        launch.

        All have the same lanes, and each lane passes its own rows from op to op.
        """
        lanes = row_lanes(self.rows, self.work, self.grain)
        placed, before = [], False
        for op in ops:
            rows = op.lanes == 0
            if rows:
                op = replace(op, lanes=lanes, grain=self.grain)
            placed.append(replace(op, row_lanes=lanes, joins=rows and before))
            before = rows
        return tuple(placed)

    def sizes(self, states: int, step_penalty: bool) -> Sizes:
        """The memory that the ops so far need."""
        return Sizes(
            parameters=aligned(self.size),
            row=self.row_size,
            scratch=self.scratch,
            lane_grads=self.lane_grads,
            squares=MOST_LANES * len(self.tensors),
            tap_offsets=self.tap_offsets,
            listed_bits=self.listed_bits,
            listed_bytes=self.listed_bytes,
            states=states,
            step_penalty=step_penalty,
        )
