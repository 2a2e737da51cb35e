"""Layers placed one on another: each becomes ops, with a slot for its output."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, assert_never

from mnistlab.config import RunConfig
from mnistlab.engine import choice
from mnistlab.engine.params import aligned
from mnistlab.engine.passes import heads, layers
from mnistlab.engine.program import LayerSpec, Op, TensorSpec
from mnistlab.errors import UsageError
from mnistlab.kernels.activations import ACTIVATIONS

# Rows of a batch that are worked on at once: a larger batch is done part by part, so that what one
# layer leaves for the next stays in the cache, and a whole epoch as one batch takes little memory.
MOST_ROWS = 512
# Elements between what two lanes write: a processor that reads ahead would fetch another's page.
APART = 1024


class Builder:
    """Each layer takes the slot below and leaves the slot above; `shape` is what is in that slot.

    `training`: with dropout, and backward to the weights; else backward to the image. `lit_share`
    is the share of the training images' pixels that is not zero.
    """

    def __init__(
        self,
        config: RunConfig,
        image_shape: tuple[int, int],
        rows: int,
        training: bool,
        lit_share: float = 1.0,
    ) -> None:
        self.config = config
        self.place = "model"  # the key of the layer that is placed, for messages
        self.rows = min(rows, MOST_ROWS)
        self.training = training
        self.lit_share = lit_share
        self.shape: tuple[int, ...] = (1, *image_shape)
        self.width = image_shape[0] * image_shape[1]
        self.top = 0  # the slot of the last layer's output
        self.row_size = self.width
        self.size = 0
        self.numbers = 0  # whole numbers that ops keep
        self.lit = (0, 0)  # of layers that skip zeros: words of bits, and bytes
        self.tiled: dict[str, tuple[int, int]] = {}  # where a weight's tiles are, and their size
        self.zeros = False  # whether what is in the slot below has been through a ReLU
        self.grain = 1  # rows that stay together in a lane
        self.scratch = 0
        self.enter: tuple[Op, ...] = ()
        self.leave: tuple[Op, ...] = ()
        self.lane_grads = 0
        self.work = 0  # multiplications of all layers, forward, for one image
        self.counts = {"dense": 0, "conv": 0, "pool": 0, "dropout": 0}
        self.layers: list[LayerSpec] = []
        self.tensors: list[TensorSpec] = []
        # Ops without `lanes` are divided by rows, all into the same lanes.
        self.forward: list[Op] = [Op(layers.gather, {"y": 0, "outputs": self.width})]
        self.deltas: list[Op] = []  # of the first layer first; run in the other order
        self.gradients: list[Op] = []
        self.sums: list[Op] = []

    def numbered(self, kind: str) -> str:
        self.counts[kind] += 1
        return f"{kind}{self.counts[kind]}"

    def take_scratch(self, size: int, lanes: int = choice.MOST_LANES) -> dict[str, int]:
        """Operands: `size` elements of scratch for each lane, far from the others'."""
        apart = -(-size // APART) * APART + APART
        place, self.scratch = self.scratch, self.scratch + lanes * apart
        return {"scratch": apart, "scratch_at": place}

    def take_slot(self, width: int) -> int:
        place, self.row_size = self.row_size, self.row_size + width
        return place

    def add_tensor(
        self, layer: str, kind: str, shape: tuple[int, ...], fans: tuple[int, int]
    ) -> int:
        offset = aligned(self.size)
        tensor = TensorSpec(f"{layer}.{kind}", layer, shape, offset, *fans)
        self.tensors.append(tensor)
        self.size = offset + tensor.size
        return offset

    def take_numbers(self, size: int) -> dict[str, int]:
        """Operands: room for so many whole numbers."""
        place, self.numbers = self.numbers, self.numbers + size
        return {"numbers_at": place}

    def take_room(self, size: int) -> int:
        """Room in the parameter vector, beside the tensors, for weights in another order."""
        place = aligned(self.size)
        self.size = place + size
        return place

    def move(self, there: Any, back: Any, operands: dict[str, Any]) -> None:
        """Bring a weight to its other order before the loop runs, and back behind it."""
        operands = {**operands, "lanes": 1}
        self.enter, self.leave = (
            (*self.enter, Op(there, operands)),
            (*self.leave, Op(back, operands)),
        )

    def place_of(self, tensor: TensorSpec) -> dict[str, int]:
        """Operands of an update of the tensor: where the training loop has it, and its size."""
        offset, size = self.tiled.get(tensor.name, (tensor.offset, tensor.size))
        return {"weight": offset, "size": size}

    def add_layer(
        self, name: str, kind: str, text: str, shape: tuple[int, ...], count: int, slot: int
    ) -> None:
        self.layers.append(LayerSpec(name, kind, text, self.shape, shape, count, slot, None, slot))

    def patches(self, name: str, side: int, stride: int, padding: int) -> dict[str, int]:
        """The operands of a layer that looks at patches; raises UsageError where none fits."""
        if len(self.shape) != 3:
            raise UsageError(f"{self.place}: {name} needs an image, but follows flatten or dense")
        channels, height, width = self.shape
        if side > min(height, width) + 2 * padding:
            raise UsageError(
                f"{self.place}: {name} looks at patches of {side} × {side}, "
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
            "padding": padding,
        }

    def pool(self, pool: Any) -> None:
        """Max or average pooling."""
        name = self.numbered("pool")
        place = self.patches(name, pool.size, pool.stride, 0)
        shape = (place["channels"], place["rows"], place["columns"])
        self.work += math.prod(shape) * pool.size**2
        operands = {**place, "y": self.take_slot(math.prod(shape))}
        forward, backward = {
            "max": (layers.max_pool_forward, layers.max_pool_backward),
            "average": (layers.average_pool_forward, layers.average_pool_backward),
        }[pool.type]
        if choice.pools_in_pairs(pool.type, pool.size, pool.stride, shape[2]):
            forward, backward = layers.max_pool_forward_2, layers.max_pool_backward_2
        self.forward.append(Op(forward, operands))
        self.deltas.append(Op(backward, operands))
        self.add_layer(
            name, "pool", f"{pool.type} {pool.size} × {pool.size}", shape, 0, operands["y"]
        )
        self.rise(operands["y"], shape)

    def flatten(self) -> None:
        """The image as a vector, channel by channel: as it lies in memory already."""
        self.add_layer("flatten", "flatten", "", (self.width,), 0, self.top)
        self.shape = (self.width,)

    def dropout(self, rate: float) -> None:
        """Dropout of a share of the values; in evaluation, and for a share of 0, nothing at all."""
        if rate == 0:
            return
        name = self.numbered("dropout")
        if not self.training:
            self.add_layer(name, "dropout", f"rate = {rate:g}", self.shape, 0, self.top)
            return
        operands: dict[str, Any] = {
            "x": self.top,
            "y": self.take_slot(self.width),
            "inputs": self.width,
            "parameter": rate,
            "seed": self.config.seed,
            "stream": self.counts["dropout"],
        }
        self.forward.append(Op(layers.dropout_forward, operands))
        self.deltas.append(Op(layers.dropout_backward, operands))
        self.add_layer(name, "dropout", f"rate = {rate:g}", self.shape, 0, operands["y"])
        self.top = operands["y"]

    def rise(self, slot: int, shape: tuple[int, ...]) -> None:
        self.top, self.shape, self.width = slot, shape, math.prod(shape)
        self.zeros = False

    def activation(self, activation: Any) -> None:
        kind = activation.type
        rule = ACTIVATIONS[kind]
        operands: dict[str, Any] = {
            "x": self.top,
            "y": self.take_slot(self.width),
            "inputs": self.width,
            "parameter": getattr(activation, rule.parameter) if rule.parameter else 0.0,
        }
        self.forward.append(Op(layers.activation_forward, operands, rule.forward))
        self.deltas.append(Op(layers.activation_backward, operands, rule.backward, True))
        text = f"{rule.parameter} = {operands['parameter']:g}" if rule.parameter else ""
        self.add_layer(kind, "activation", text, self.shape, 0, operands["y"])
        self.top, self.zeros = operands["y"], kind in ("relu", "relu6")

    def softmax(self) -> None:
        operands = {"x": self.top, "y": self.take_slot(self.width), "inputs": self.width}
        self.forward.append(Op(layers.softmax_forward, operands))
        self.deltas.append(Op(layers.softmax_backward, operands))
        self.add_layer("softmax", "activation", "", self.shape, 0, operands["y"])
        self.top = operands["y"]

    def heads(self, output: Any) -> tuple[Op, Op, Op]:
        """The output activation and the loss: (for evaluation, for training), and the outcome."""
        loss = self.config.loss.type
        mean = {"mean": 1, "sum": 0}[self.config.loss.reduction]
        kernel = None
        if loss == "mse":
            self.softmax() if output.type == "softmax" else self.activation(output)
            function, place = heads.squared_error_head, {"x": self.top, "y": self.top}
        elif loss == "cross_entropy":
            function, place = heads.cross_entropy_head, self._fused_output(output)
        elif loss == "binary_cross_entropy":
            function, kernel = heads.binary_cross_entropy_head, ACTIVATIONS["sigmoid"].forward
            place = {**self._fused_output(output), "parameter": output.k}
        else:
            assert_never(loss)
        operands = {**place, "inputs": self.width, "mean": mean}
        outcome = Op(heads.outcome, {"y": self.top, "inputs": self.width})
        evaluation = Op(function, {**operands, "training": 0}, kernel)
        return evaluation, Op(function, {**operands, "training": 1}, kernel), outcome

    def _fused_output(self, output: Any) -> dict[str, Any]:
        """Operands of an output activation that the loss computes with itself."""
        place = {"x": self.top, "y": self.take_slot(self.width)}
        self.add_layer(output.type, "activation", "", self.shape, 0, place["y"])
        self.top = place["y"]
        return place

    def by_rows(self, ops: Sequence[Op]) -> tuple[Op, ...]:
        """Ops that each leave rows for the next: what is divided by rows is joined in one launch.

        All get the same lanes, and each lane goes through its own rows from op to op.
        """
        lanes = choice.row_lanes(self.rows, self.work, self.grain)
        placed, before = [], False
        for op in ops:
            rows = "lanes" not in op.operands
            if rows:
                op = op.having(lanes=lanes, grain=self.grain)
            placed.append(replace(op.having(shares=lanes), joins=rows and before))
            before = rows
        return tuple(placed)
