"""Layers placed one on another: each becomes ops, with a slot for its output."""

import math
from typing import Any

from mnistlab.config import RunConfig
from mnistlab.engine.params import aligned
from mnistlab.engine.passes import heads, layers
from mnistlab.engine.program import LayerSpec, Op, TensorSpec
from mnistlab.errors import UsageError
from mnistlab.kernels.activations import ACTIVATIONS

# Lanes are fixed by the work, never by the threads, so that no thread count changes a bit. Below
# this many multiplications a part is not worth the launch of a parallel loop (about 1.5 µs).
WORK_PER_LANE = 200_000
MOST_LANES = 8
# Batches from here on are divided by rows; below, BLAS would starve, and columns are divided.
ROWS_WORTH_DIVIDING = 256


def lanes_for(work: int) -> int:
    """Into how many lanes to split `work` multiplications (or a few times as many additions)."""
    return max(1, min(MOST_LANES, work // WORK_PER_LANE))


class Builder:
    """Each layer takes the slot below and leaves the slot above; `shape` is what is in that slot.

    `training`: with dropout, and backward to the weights; else backward to the image.
    """

    def __init__(
        self, config: RunConfig, image_shape: tuple[int, int], rows: int, training: bool
    ) -> None:
        self.config = config
        self.place = "model"  # the key of the layer that is placed, for messages
        self.rows = rows
        self.training = training
        self.shape: tuple[int, ...] = (1, *image_shape)
        self.width = image_shape[0] * image_shape[1]
        self.top = 0  # the slot of the last layer's output
        self.row_size = self.width
        self.size = 0
        self.scratch = 0
        self.lane_grads = 0
        self.counts = {"dense": 0, "conv": 0, "pool": 0, "dropout": 0}
        self.layers: list[LayerSpec] = []
        self.tensors: list[TensorSpec] = []
        lanes = lanes_for(rows * self.width)
        operands = {"y": 0, "outputs": self.width, "lanes": lanes}
        self.forward: list[Op] = [Op(layers.gather, operands)]
        self.backward: list[Op] = []  # of the first layer first; run in the other order

    def _numbered(self, kind: str) -> str:
        self.counts[kind] += 1
        return f"{kind}{self.counts[kind]}"

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
        fans = (self.width, units)
        operands = {
            "x": self.top,
            "y": self._slot(units),
            "inputs": self.width,
            "outputs": units,
            "weight": self._tensor(name, "weight", fans, fans),
            "bias": self._tensor(name, "bias", (units,), fans) if bias else 0,
            "biases": units if bias else 0,
        }
        lanes = lanes_for(self.rows * self.width * units)
        by_column = int(self.rows < ROWS_WORTH_DIVIDING)
        divided = {**operands, "lanes": lanes, "by_column": by_column}
        self.forward.append(Op(layers.dense_forward, divided))
        if self.top != 0 or not self.training:  # in training the images need no gradient
            self.backward.append(Op(layers.dense_backward_input, divided))
        if self.training:
            self.backward.append(Op(layers.dense_backward_weights, {**operands, "lanes": lanes}))
        shape = (units,)
        count = self.width * units + (units if bias else 0)
        self._layer(name, "dense", f"{self.width} → {units}", shape, count, operands["y"])
        self._rise(operands["y"], shape)

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
        lanes = min(lanes_for(self.rows * math.prod(shape) * fans[0]), self.rows)
        operands |= {
            "scratch": aligned(fans[0] * place["rows"] * place["columns"]),
            "lane_grads": aligned(math.prod(weights) + biases),
            "shares": lanes,
        }
        self.scratch = max(self.scratch, lanes * operands["scratch"])
        self.lane_grads = max(self.lane_grads, lanes * operands["lane_grads"])
        by_image = {**operands, "lanes": lanes}
        self.forward.append(Op(layers.conv2d_forward, by_image))
        if self.top != 0 or not self.training:
            self.backward.append(Op(layers.conv2d_backward_input, by_image))
        if self.training:
            # Listed from the first layer up, and run downwards: the sum comes after its parts.
            self.backward.append(Op(layers.sum_lane_grads, {**operands, "lanes": 1}))
            self.backward.append(Op(layers.conv2d_backward_weights, by_image))
        text = f"{conv.filters} filters {conv.kernel} × {conv.kernel}"
        self._layer(name, "conv", text, shape, math.prod(weights) + biases, operands["y"])
        self._rise(operands["y"], shape)

    def pool(self, pool: Any) -> None:
        """Max or average pooling."""
        name = self._numbered("pool")
        place = self._patches(name, pool.size, pool.stride, 0)
        shape = (place["channels"], place["rows"], place["columns"])
        lanes = min(lanes_for(self.rows * math.prod(shape) * pool.size**2), self.rows)
        operands = {**place, "y": self._slot(math.prod(shape)), "lanes": lanes}
        forward, backward = {
            "max": (layers.max_pool_forward, layers.max_pool_backward),
            "average": (layers.average_pool_forward, layers.average_pool_backward),
        }[pool.type]
        self.forward.append(Op(forward, operands))
        self.backward.append(Op(backward, operands))
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
            "lanes": min(lanes_for(8 * self.rows * self.width), self.rows),
        }
        self.forward.append(Op(layers.dropout_forward, operands))
        self.backward.append(Op(layers.dropout_backward, operands))
        self._layer(name, "dropout", f"rate = {rate:g}", self.shape, 0, operands["y"])
        self.top = operands["y"]

    def _rise(self, slot: int, shape: tuple[int, ...]) -> None:
        self.top, self.shape, self.width = slot, shape, math.prod(shape)

    def activation(self, activation: Any) -> None:
        kind = activation.type
        rule = ACTIVATIONS[kind]
        operands: dict[str, Any] = {
            "x": self.top,
            "y": self._slot(self.width),
            "inputs": self.width,
            "parameter": getattr(activation, rule.parameter) if rule.parameter else 0.0,
            "lanes": lanes_for(4 * self.rows * self.width),
        }
        self.forward.append(Op(layers.activation_forward, operands, rule.forward))
        self.backward.append(Op(layers.activation_backward, operands, rule.backward, True))
        text = f"{rule.parameter} = {operands['parameter']:g}" if rule.parameter else ""
        self._layer(kind, "activation", text, self.shape, 0, operands["y"])
        self.top = operands["y"]

    def softmax(self) -> None:
        operands = {"x": self.top, "y": self._slot(self.width), "inputs": self.width, "lanes": 1}
        self.forward.append(Op(layers.softmax_forward, operands))
        self.backward.append(Op(layers.softmax_backward, operands))
        self._layer("softmax", "activation", "", self.shape, 0, operands["y"])
        self.top = operands["y"]

    def heads(self, output: Any) -> tuple[Op, Op]:
        """The output activation and the loss: (for evaluation, for training)."""
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
        operands = {**place, "inputs": self.width, "lanes": 1, "mean": mean}
        evaluation = Op(function, {**operands, "training": 0}, kernel)
        return evaluation, Op(function, {**operands, "training": 1}, kernel)
