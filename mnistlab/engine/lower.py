"""From a configuration to a Program: layers become ops, and get their places."""

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mnistlab.config import (
    ActivationLayer,
    CNNModel,
    ConvLayer,
    DenseLayer,
    DropoutLayer,
    MLPModel,
    PoolLayer,
    RunConfig,
)
from mnistlab.engine.builder import Builder, lanes_for
from mnistlab.engine.params import aligned
from mnistlab.engine.passes import updates
from mnistlab.engine.program import LayerSpec, Op, Program, TensorSpec


def _update_rule(optimizer: Any) -> tuple[Any, dict[str, Any], int]:
    """The op of an optimizer, its operands, and how many vectors of state it keeps."""
    if optimizer.type == "sgd":
        if optimizer.momentum == 0:
            return updates.sgd, {}, 0
        function = updates.momentum if optimizer.velocity == "gradient" else updates.momentum_step
        return function, {"decay1": optimizer.momentum, "mode": int(optimizer.nesterov)}, 1
    if optimizer.type == "rmsprop":
        return updates.rmsprop, {"decay1": optimizer.alpha, "epsilon": optimizer.epsilon}, 1
    operands = {
        "decay1": optimizer.beta1,
        "decay2": optimizer.beta2,
        "epsilon": optimizer.epsilon,
        "weight_decay": getattr(optimizer, "weight_decay", 0.0),
    }
    return updates.adam, operands, 2


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
    penalties, steps = [], []
    for tensor in tensors:
        place = {
            "weight": tensor.offset,
            "size": tensor.size,
            "lanes": lanes_for(2 * tensor.size),
            "lr_scale": scales[tensor.name],
        }
        update = Op(rule, {**place, **hyperparameters})
        if tensor not in with_penalty:
            steps.append(update)
        elif mode == "step":
            taken = {**place, "l1": l1, "l2": l2}
            steps += [Op(updates.penalty_step, taken), update, Op(updates.take_penalty_step, taken)]
        else:
            # The proximal step is for L1, whose kink it is about; L2 is smooth and has a gradient.
            by_gradient = {**place, "l1": l1 if mode == "gradient" else 0.0, "l2": l2}
            if by_gradient["l1"] > 0 or l2 > 0:
                penalties.append(Op(updates.penalty_gradient, by_gradient))
            steps.append(update)
            if mode == "proximal" and l1 > 0:
                steps.append(Op(updates.soft_threshold, {**place, "l1": l1}))
    return penalties, steps, states


def lower(
    config: RunConfig,
    image_shape: tuple[int, int],
    classes: int,
    rows: int,
    dtype: Any = None,
    training: bool = True,
) -> Program:
    """The program of a configuration for images (height, width), in batches of up to `rows`.

    `dtype` is the configuration's unless given. Not `training` leaves dropout out, and backward
    leads to the images instead of the weights. Raises UsageError where a layer does not fit on the
    one below.
    """
    builder = Builder(config, image_shape, rows, training)
    model = config.model
    if isinstance(model, CNNModel):
        _place_layers(builder, model, classes)
    else:
        if isinstance(model, MLPModel):
            for units in model.hidden:
                builder.dense(units, model.bias)
                builder.activation(model.activation)
                builder.dropout(model.dropout)
        builder.dense(classes, model.bias)
    evaluation_head, training_head = builder.heads(model.output_activation)
    penalties, steps, states = _steps(config, builder.tensors)
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
        updates=tuple(steps),
        scratch=builder.scratch,
        lane_grads=builder.lane_grads,
        states=states,
        keeps_taken=config.regularization.mode == "step",
    )


def _place_layers(builder: Builder, model: CNNModel, classes: int) -> None:
    """A CNN's layers, and an output layer where the last with weights is not one already."""
    for index, layer in enumerate(model.layers):
        builder.place = f"model.layers.{index}.{layer.type}"
        if isinstance(layer, ConvLayer):
            builder.conv(layer.conv)
        elif isinstance(layer, PoolLayer):
            builder.pool(layer.pool)
        elif isinstance(layer, ActivationLayer):
            builder.activation(layer.activation)
        elif isinstance(layer, DropoutLayer):
            builder.dropout(layer.dropout)
        elif isinstance(layer, DenseLayer):
            builder.dense(layer.dense.units, layer.dense.bias)
        else:
            builder.flatten()
    weighted = [layer for layer in model.layers if isinstance(layer, ConvLayer | DenseLayer)]
    last = weighted[-1] if weighted else None
    if not (isinstance(last, DenseLayer) and last.dense.units == classes):
        builder.dense(classes, model.bias)


def _with_activations(layers: Sequence[LayerSpec]) -> list[LayerSpec]:
    """Layers with weights, told which activation follows them and where its output lies."""
    told = []
    for layer, following in zip(layers, [*layers[1:], layers[-1]], strict=True):
        if following.kind == "activation":
            layer = replace(layer, activation=following.name, activation_slot=following.slot)
        told.append(layer)
    return told
