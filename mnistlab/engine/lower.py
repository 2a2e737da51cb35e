"""From a configuration to a Program: layers become ops, and get their places."""

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mnistlab.config import MLPModel, RunConfig
from mnistlab.engine import passes
from mnistlab.engine.params import aligned
from mnistlab.engine.program import LayerSpec, Op, Program, TensorSpec
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


class _Builder:
    """Places layers one on another: each takes the slot below and leaves the slot above."""

    def __init__(self, config: RunConfig, image_shape: tuple[int, int], rows: int) -> None:
        self.config = config
        self.rows = rows
        self.shape: tuple[int, ...] = image_shape
        self.width = image_shape[0] * image_shape[1]
        self.top = 0  # the slot of the last layer's output
        self.row_size = self.width
        self.size = 0
        self.dense_layers = 0
        self.layers: list[LayerSpec] = []
        self.tensors: list[TensorSpec] = []
        lanes = lanes_for(rows * self.width)
        operands = {"y": 0, "outputs": self.width, "lanes": lanes}
        self.forward: list[Op] = [Op(passes.gather, operands)]
        self.backward: list[Op] = []  # of the first layer first; run in the other order

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
        self.dense_layers += 1
        name = f"dense{self.dense_layers}"
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
        self.forward.append(Op(passes.dense_forward, divided))
        if self.top != 0:  # the images need no gradient
            self.backward.append(Op(passes.dense_backward_input, divided))
        self.backward.append(Op(passes.dense_backward_weights, {**operands, "lanes": lanes}))
        shape = (units,)
        count = self.width * units + (units if bias else 0)
        self._layer(name, "dense", f"{self.width} → {units}", shape, count, operands["y"])
        self.top, self.width, self.shape = operands["y"], units, shape

    def _layer(
        self, name: str, kind: str, text: str, shape: tuple[int, ...], count: int, slot: int
    ) -> None:
        self.layers.append(LayerSpec(name, kind, text, self.shape, shape, count, slot))

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
        self.forward.append(Op(passes.activation_forward, operands, rule.forward))
        self.backward.append(Op(passes.activation_backward, operands, rule.backward, True))
        text = f"{rule.parameter} = {operands['parameter']:g}" if rule.parameter else ""
        self._layer(kind, "activation", text, self.shape, 0, operands["y"])
        self.top = operands["y"]

    def softmax(self) -> None:
        operands = {"x": self.top, "y": self._slot(self.width), "inputs": self.width, "lanes": 1}
        self.forward.append(Op(passes.softmax_forward, operands))
        self.backward.append(Op(passes.softmax_backward, operands))
        self._layer("softmax", "activation", "", self.shape, 0, operands["y"])
        self.top = operands["y"]

    def heads(self, output: Any) -> tuple[Op, Op]:
        """The output activation and the loss: (for evaluation, for training)."""
        loss = self.config.loss.type
        mean = int(self.config.loss.reduction == "mean")
        if loss == "mse":
            self.softmax() if output.type == "softmax" else self.activation(output)
            place: dict[str, Any] = {"x": self.top, "y": self.top}
            function, kernel = passes.squared_error_head, None
        else:
            place = {"x": self.top, "y": self._slot(self.width)}
            if loss == "cross_entropy":
                function, kernel = passes.cross_entropy_head, None
            else:
                function, kernel = passes.binary_cross_entropy_head, ACTIVATIONS["sigmoid"].forward
                place["parameter"] = output.k
            self._layer(output.type, "activation", "", self.shape, 0, place["y"])
            self.top = place["y"]
        operands = {**place, "inputs": self.width, "lanes": 1, "mean": mean}
        evaluation = Op(function, {**operands, "training": 0}, kernel)
        return evaluation, Op(function, {**operands, "training": 1}, kernel)


def _update_rule(optimizer: Any) -> tuple[Any, dict[str, Any], int]:
    """The op of an optimizer, its operands, and how many vectors of state it keeps."""
    if optimizer.type == "sgd":
        if optimizer.momentum == 0:
            return passes.sgd, {}, 0
        function = passes.momentum if optimizer.velocity == "gradient" else passes.momentum_step
        return function, {"decay1": optimizer.momentum, "mode": int(optimizer.nesterov)}, 1
    if optimizer.type == "rmsprop":
        return passes.rmsprop, {"decay1": optimizer.alpha, "epsilon": optimizer.epsilon}, 1
    operands = {
        "decay1": optimizer.beta1,
        "decay2": optimizer.beta2,
        "epsilon": optimizer.epsilon,
        "weight_decay": getattr(optimizer, "weight_decay", 0.0),
    }
    return passes.adam, operands, 2


def regularized_tensors(config: RunConfig, tensors: Sequence[TensorSpec]) -> list[TensorSpec]:
    """The weights that the penalty is on."""
    weights = [tensor for tensor in tensors if not tensor.is_bias]
    chosen = config.regularization.layers
    if chosen == "all":
        return weights
    if chosen == "last":
        return weights[-1:]
    return [weight for weight in weights if weight.layer in chosen]


def _lr_scales(scales: Mapping[str, float], tensors: Sequence[TensorSpec]) -> dict[str, float]:
    """A factor for every tensor: its own name's, else the product of the patterns that fit it."""
    factors = {}
    for name in [tensor.name for tensor in tensors]:
        fitting = [value for key, value in scales.items() if fnmatch.fnmatchcase(name, key)]
        factors[name] = scales.get(name, float(np.prod(fitting)))
    return factors


def _steps(config: RunConfig, tensors: Sequence[TensorSpec]) -> tuple[list[Op], list[Op], int]:
    """The ops after the backward pass: penalties, updates, and the number of state vectors."""
    regularization = config.regularization
    l1, l2, mode = regularization.l1, regularization.l2, regularization.mode
    rule, hyperparameters, states = _update_rule(config.optimizer)
    scales = _lr_scales(config.optimizer.lr_scale, tensors)
    with_penalty = regularized_tensors(config, tensors) if l1 > 0 or l2 > 0 else []
    penalties, updates = [], []
    for tensor in tensors:
        place = {
            "weight": tensor.offset,
            "size": tensor.size,
            "lanes": lanes_for(2 * tensor.size),
            "lr_scale": scales[tensor.name],
        }
        update = Op(rule, {**place, **hyperparameters})
        if tensor not in with_penalty:
            updates.append(update)
        elif mode == "step":
            taken = {**place, "l1": l1, "l2": l2}
            updates += [Op(passes.penalty_step, taken), update, Op(passes.take_penalty_step, taken)]
        else:
            # The proximal step is for L1, whose kink it is about; L2 is smooth and has a gradient.
            by_gradient = {**place, "l1": l1 if mode == "gradient" else 0.0, "l2": l2}
            if by_gradient["l1"] > 0 or l2 > 0:
                penalties.append(Op(passes.penalty_gradient, by_gradient))
            updates.append(update)
            if mode == "proximal" and l1 > 0:
                updates.append(Op(passes.soft_threshold, {**place, "l1": l1}))
    return penalties, updates, states


def lower(
    config: RunConfig, image_shape: tuple[int, int], classes: int, rows: int, dtype: Any = None
) -> Program:
    """The program of a configuration for images (height, width), in batches of up to `rows`.

    `dtype` is the configuration's unless given.
    """
    builder = _Builder(config, image_shape, rows)
    model = config.model
    if isinstance(model, MLPModel):
        for units in model.hidden:
            builder.dense(units, model.bias)
            builder.activation(model.activation)
    builder.dense(classes, model.bias)
    evaluation_head, training_head = builder.heads(model.output_activation)
    penalties, updates, states = _steps(config, builder.tensors)
    return Program(
        dtype=np.dtype(dtype or config.training.dtype),
        classes=classes,
        pixels=image_shape[0] * image_shape[1],
        layers=tuple(_with_activations(builder.layers)),
        tensors=tuple(builder.tensors),
        size=aligned(builder.size),
        row_size=builder.row_size,
        forward=tuple(builder.forward),
        evaluation_head=evaluation_head,
        training_head=training_head,
        backward=tuple(reversed(builder.backward)),
        penalties=tuple(penalties),
        updates=tuple(updates),
        states=states,
        keeps_taken=config.regularization.mode == "step",
    )


def _with_activations(layers: Sequence[LayerSpec]) -> list[LayerSpec]:
    """Layers with weights, told which activation follows them and where its output lies."""
    told = []
    for layer, following in zip(layers, [*layers[1:], layers[-1]], strict=True):
        if following.kind == "activation":
            layer = replace(layer, activation=following.name, activation_slot=following.slot)
        told.append(layer)
    return told
