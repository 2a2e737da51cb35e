"""Layers placed one on another: each becomes ops, with a slot for its output."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from mnistlab.config import RunConfig
from mnistlab.engine import choice
from mnistlab.engine.params import aligned
from mnistlab.engine.passes import direct, heads, layers, lit, sparse
from mnistlab.engine.program import LayerSpec, Op, TensorSpec
from mnistlab.errors import UsageError
from mnistlab.kernels.activations import ACTIVATIONS
from mnistlab.kernels.lit_pixels import MORE_STARTS

# Rows of a batch that are worked on at once: a larger batch is done part by part, so that what one
# layer leaves for the next stays in the cache, and a whole epoch as one batch takes little memory.
MOST_ROWS = 512
# Elements between what two lanes write: a processor that reads ahead would fetch another's page.
APART = 1024


class ConvOps(NamedTuple):
    """The three ops of a convolution."""

    forward: Op
    backward_weights: Op
    backward_input: Op


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
        self.listed = (0, 0)  # elements of the listings: numbers, and entries
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

    def _numbered(self, kind: str) -> str:
        self.counts[kind] += 1
        return f"{kind}{self.counts[kind]}"

    def _scratch(self, size: int, lanes: int = choice.MOST_LANES) -> dict[str, int]:
        """Operands: `size` elements of scratch for each lane, far from the others'."""
        apart = -(-size // APART) * APART + APART
        place, self.scratch = self.scratch, self.scratch + lanes * apart
        return {"scratch": apart, "scratch_at": place}

    def _slot(self, width: int) -> int:
        place, self.row_size = self.row_size, self.row_size + width
        return place

    def _tensor(self, layer: str, kind: str, shape: tuple[int, ...], fans: tuple[int, int]) -> int:
        offset = aligned(self.size)
        tensor = TensorSpec(f"{layer}.{kind}", layer, shape, offset, *fans)
        self.tensors.append(tensor)
        self.size = offset + tensor.size
        return offset

    def dense(self, units: int, bias: bool) -> None:
        name = self._numbered("dense")
        inputs, first = self.width, self.top == 0
        fans = (inputs, units)
        operands = {
            "x": self.top,
            "y": self._slot(units),
            "inputs": inputs,
            "outputs": units,
            "weight": self._tensor(name, "weight", fans, fans),
            "bias": self._tensor(name, "bias", (units,), fans) if bias else 0,
            "biases": units if bias else 0,
        }
        weight = f"{name}.weight"
        if first and self.training and choice.skips_dark_pixels(self.lit_share, inputs, units):
            self._lit_dense(operands, weight)
        elif self.training and choice.skips_zeros(self.zeros, self.rows, inputs, units):
            self.work += inputs * units
            self._sparse_dense(operands, weight)
        else:
            self.work += inputs * units
            columns = choice.column_lanes(self.rows, inputs, units)
            self.forward.append(Op(layers.dense_forward, {**operands, **columns}))
            if not first or not self.training:  # in training the images need no gradient
                columns = choice.column_lanes(self.rows, units, inputs)
                self.deltas.append(Op(layers.dense_backward_input, {**operands, **columns}))
            lanes = choice.lanes_for(self.rows * inputs * units)
            operands = {**operands, "lanes": max(1, min(lanes, inputs // 32))}
            self.gradients.append(Op(layers.dense_backward_weights, operands, tensor=weight))
        count = inputs * units + (units if bias else 0)
        self._layer(name, "dense", f"{inputs} → {units}", (units,), count, operands["y"])
        self._rise(operands["y"], (units,))

    def _listing(self, numbers: int, entries: int) -> dict[str, int]:
        """Operands: room for listings of so many numbers and entries."""
        place = {"numbers_at": self.listed[0], "entries_at": self.listed[1]}
        self.listed = (self.listed[0] + numbers, self.listed[1] + entries)
        return place

    def _sparse_dense(self, operands: dict[str, Any], weight: str) -> None:
        """A layer behind a ReLU that skips zeros, its inputs divided into blocks."""
        inputs, units = self.width, operands["outputs"]
        tile, lanes = choice.sparse_tile(units), choice.MOST_LANES
        parts = self._scratch(self.rows * tile)
        operands = {
            **operands,
            **self._listing(
                3 * inputs + (lanes + inputs // sparse.BLOCK) * MORE_STARTS, inputs * self.rows
            ),
            **self._scratch(self.rows * tile),
            "collected": parts["scratch_at"],
            "collected_each": parts["scratch"],
            "listed": self.rows,
            "parts": lanes,
            "tile": tile,
        }
        self.forward += [Op(sparse.FORWARD[tile], {**operands, "lanes": lanes})]
        self.forward += [Op(sparse.add_parts, operands)]
        backward = Op(sparse.BACKWARD[tile], {**operands, "lanes": lanes}, tensor=weight)
        self.deltas.append(backward)

    def _lit_dense(self, operands: dict[str, Any], weight: str) -> None:
        """A first layer that skips dark pixels: listed in place of gathered."""
        inputs, units = self.width, operands["outputs"]
        self.work += choice.lit_work(inputs, units, self.lit_share)
        plan = choice.lit_plan(self.rows, units)
        listings = -(-self.rows // plan.listed)
        place = {"listed": plan.listed, "parts": plan.parts, "tile": plan.tile}
        room = 3 * inputs + MORE_STARTS
        place |= self._listing(listings * room, listings * plan.listed * inputs)
        operands = {**operands, **place, **self._scratch(plan.listed * plan.tile)}
        list_lit, forward = Op(lit.list_lit, operands), Op(lit.FORWARD[plan.tile], operands)
        if plan.by_column:
            operands["collected"] = self._scratch(self.rows * units, lanes=1)["scratch_at"]
            self.forward = [
                list_lit.having(lanes=listings, grain=plan.listed),
                forward.having(**operands, lanes=plan.lanes, by_column=1),
                Op(lit.collect, operands),
            ]
        else:
            self.grain = plan.listed
            self.forward = [list_lit, forward]
        if units > plan.tile:
            turned = {**operands, **self._scratch(inputs * units, lanes=1), "lanes": 1}
            self.enter, self.leave = (Op(lit.to_tiles, turned),), (Op(lit.from_tiles, turned),)
        backward = Op(lit.BACKWARD_WEIGHTS[plan.tile], operands, tensor=weight)
        own = {"lanes": plan.lanes, "by_column": int(plan.parts == 1)}
        self.gradients.append(backward.having(**own))

    def _layer(
        self, name: str, kind: str, text: str, shape: tuple[int, ...], count: int, slot: int
    ) -> None:
        self.layers.append(LayerSpec(name, kind, text, self.shape, shape, count, slot, None, slot))

    def _patches(self, name: str, side: int, stride: int, padding: int) -> dict[str, int]:
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

    def conv(self, conv: Any) -> None:
        """A convolution, see the configuration's `conv`."""
        name = self._numbered("conv")
        place = self._patches(name, conv.kernel, conv.stride, conv.padding)
        shape = (conv.filters, place["rows"], place["columns"])
        weights = (conv.filters, place["channels"], conv.kernel, conv.kernel)
        fans = (place["channels"] * conv.kernel**2, conv.filters * conv.kernel**2)
        bias_shape = {"none": (), "shared": shape[:1], "per_position": shape}[conv.bias]
        biases = math.prod(bias_shape) if bias_shape else 0
        operands: dict[str, Any] = {
            **place,
            "y": self._slot(math.prod(shape)),
            "filters": conv.filters,
            "weight": self._tensor(name, "weight", weights, fans),
            "bias": self._tensor(name, "bias", bias_shape, fans) if biases else 0,
            "biases": biases,
        }
        self.work += math.prod(shape) * fans[0]
        operands |= {
            "lane_grads": aligned(math.prod(weights) + biases),
            "lane_grads_at": self.lane_grads,
        }
        ops = self._conv_ops(conv, shape, operands)
        self.forward.append(ops.forward)
        if self.top != 0 or not self.training:
            self.deltas.append(ops.backward_input)
        if self.training:
            self.lane_grads += choice.MOST_LANES * operands["lane_grads"]
            self.gradients.append(ops.backward_weights)
            self.sums.append(Op(layers.sum_lane_grads, {**operands, "lanes": 1}))
        text = f"{conv.filters} filters {conv.kernel} × {conv.kernel}"
        self._layer(name, "conv", text, shape, math.prod(weights) + biases, operands["y"])
        self._rise(operands["y"], shape)

    def _conv_ops(self, conv: Any, shape: tuple[int, ...], operands: dict[str, Any]) -> ConvOps:
        """A convolution by patches and BLAS, or by rows of output where that is quicker."""
        channels, height, width = self.shape
        filters, rows, columns = shape
        patches = {**operands, **self._scratch(channels * conv.kernel**2 * rows * columns)}
        forward = Op(layers.conv2d_forward, patches)
        backward_weights = Op(layers.conv2d_backward_weights, patches)
        backward_input = Op(layers.conv2d_backward_input, patches)
        if conv.stride == 1 and conv.padding == 0:
            lanes = choice.row_vector(columns)
            if choice.convolves_by_rows(filters, rows):
                forward = Op(direct.FORWARD[lanes], operands)
                if filters <= choice.MOST_FILTERS_BY_ROWS:
                    backward_weights = Op(direct.BACKWARD_WEIGHTS[lanes], operands)
            if choice.convolves_by_rows(channels, height):
                border = 2 * (conv.kernel - 1)
                framed = filters * (rows + border) * (columns + border)
                room = self._scratch(framed + filters * channels * conv.kernel**2)
                lanes = choice.row_vector(width)
                backward_input = Op(direct.BACKWARD_INPUT[lanes], {**operands, **room})
        return ConvOps(forward, backward_weights, backward_input)

    def pool(self, pool: Any) -> None:
        """Max or average pooling."""
        name = self._numbered("pool")
        place = self._patches(name, pool.size, pool.stride, 0)
        shape = (place["channels"], place["rows"], place["columns"])
        self.work += math.prod(shape) * pool.size**2
        operands = {**place, "y": self._slot(math.prod(shape))}
        forward, backward = {
            "max": (layers.max_pool_forward, layers.max_pool_backward),
            "average": (layers.average_pool_forward, layers.average_pool_backward),
        }[pool.type]
        if choice.pools_in_pairs(pool.type, pool.size, pool.stride, shape[2]):
            forward, backward = layers.max_pool_forward_2, layers.max_pool_backward_2
        self.forward.append(Op(forward, operands))
        self.deltas.append(Op(backward, operands))
        self._layer(name, "pool", f"{pool.type} {pool.size} × {pool.size}", shape, 0, operands["y"])
        self._rise(operands["y"], shape)

    def flatten(self) -> None:
        """The image as a vector, channel by channel: as it lies in memory already."""
        self._layer("flatten", "flatten", "", (self.width,), 0, self.top)
        self.shape = (self.width,)

    def dropout(self, rate: float) -> None:
        """Dropout of a share of the values; in evaluation, and for a share of 0, nothing at all."""
        if rate == 0:
            return
        name = self._numbered("dropout")
        if not self.training:
            self._layer(name, "dropout", f"rate = {rate:g}", self.shape, 0, self.top)
            return
        operands: dict[str, Any] = {
            "x": self.top,
            "y": self._slot(self.width),
            "inputs": self.width,
            "parameter": rate,
            "seed": self.config.seed,
            "stream": self.counts["dropout"],
        }
        self.forward.append(Op(layers.dropout_forward, operands))
        self.deltas.append(Op(layers.dropout_backward, operands))
        self._layer(name, "dropout", f"rate = {rate:g}", self.shape, 0, operands["y"])
        self.top = operands["y"]

    def _rise(self, slot: int, shape: tuple[int, ...]) -> None:
        self.top, self.shape, self.width = slot, shape, math.prod(shape)
        self.zeros = False

    def activation(self, activation: Any) -> None:
        kind = activation.type
        rule = ACTIVATIONS[kind]
        operands: dict[str, Any] = {
            "x": self.top,
            "y": self._slot(self.width),
            "inputs": self.width,
            "parameter": getattr(activation, rule.parameter) if rule.parameter else 0.0,
        }
        self.forward.append(Op(layers.activation_forward, operands, rule.forward))
        self.deltas.append(Op(layers.activation_backward, operands, rule.backward, True))
        text = f"{rule.parameter} = {operands['parameter']:g}" if rule.parameter else ""
        self._layer(kind, "activation", text, self.shape, 0, operands["y"])
        self.top, self.zeros = operands["y"], kind in ("relu", "relu6")

    def softmax(self) -> None:
        operands = {"x": self.top, "y": self._slot(self.width), "inputs": self.width}
        self.forward.append(Op(layers.softmax_forward, operands))
        self.deltas.append(Op(layers.softmax_backward, operands))
        self._layer("softmax", "activation", "", self.shape, 0, operands["y"])
        self.top = operands["y"]

    def heads(self, output: Any) -> tuple[Op, Op, Op]:
        """The output activation and the loss: (for evaluation, for training), and the outcome."""
        loss = self.config.loss.type
        mean = int(self.config.loss.reduction == "mean")
        if loss == "mse":
            self.softmax() if output.type == "softmax" else self.activation(output)
            place: dict[str, Any] = {"x": self.top, "y": self.top}
            function, kernel = heads.squared_error_head, None
        else:
            place = {"x": self.top, "y": self._slot(self.width)}
            if loss == "cross_entropy":
                function, kernel = heads.cross_entropy_head, None
            else:
                function, kernel = heads.binary_cross_entropy_head, ACTIVATIONS["sigmoid"].forward
                place["parameter"] = output.k
            self._layer(output.type, "activation", "", self.shape, 0, place["y"])
            self.top = place["y"]
        operands = {**place, "inputs": self.width, "mean": mean}
        outcome = Op(heads.outcome, {"y": self.top, "inputs": self.width})
        evaluation = Op(function, {**operands, "training": 0}, kernel)
        return evaluation, Op(function, {**operands, "training": 1}, kernel), outcome

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
