"""From a configuration to a Program: layers become ops, and get their places."""

import fnmatch
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from typing import Any, assert_never

import numpy as np

from mnistlab.config import (
    SGD,
    ActivationLayer,
    Adam,
    AdamW,
    CNNModel,
    ConvLayer,
    DenseLayer,
    DropoutLayer,
    FlattenLayer,
    Model,
    Optimizer,
    PoolLayer,
    RMSProp,
    RunConfig,
    layers_of,
)
from mnistlab.engine import choice
from mnistlab.engine.builder import Builder
from mnistlab.engine.params import aligned
from mnistlab.engine.passes import layers, updates
from mnistlab.engine.place_conv import place_conv
from mnistlab.engine.place_dense import place_dense
from mnistlab.engine.program import LayerSpec, Op, Program, TensorSpec, beside
from mnistlab.kernels import gradient_use


def _update_rule(optimizer: Optimizer) -> tuple[Any, dict[str, Any], int]:
    """The op of an optimizer, its operands, and how many vectors of state it keeps."""
    match optimizer:
        case SGD(momentum=0):
            return updates.sgd, {}, 0
        case SGD():
            rules = {"gradient": updates.momentum, "step": updates.momentum_step}
            operands = {"decay1": optimizer.momentum, "mode": int(optimizer.nesterov)}
            return rules[optimizer.velocity], operands, 1
        case RMSProp():
            return updates.rmsprop, {"decay1": optimizer.alpha, "epsilon": optimizer.epsilon}, 1
        case Adam() | AdamW():
            operands = {
                "decay1": optimizer.beta1,
                "decay2": optimizer.beta2,
                "epsilon": optimizer.epsilon,
                "weight_decay": optimizer.weight_decay if isinstance(optimizer, AdamW) else 0.0,
            }
            return updates.adam, operands, 2
        case _:
            assert_never(optimizer)


def regularized_tensors(config: RunConfig, tensors: Sequence[TensorSpec]) -> list[TensorSpec]:
    """The weights that the penalty is on."""
    weights = [tensor for tensor in tensors if not tensor.is_bias]
    chosen = config.regularization.layers
    if chosen == "all":
        return weights
    if chosen == "last":
        return weights[-1:]
    assert isinstance(chosen, tuple), chosen
    return [weight for weight in weights if weight.layer in chosen]


def _lr_scales(scales: Mapping[str, float], tensors: Sequence[TensorSpec]) -> dict[str, float]:
    """A factor for every tensor: its own name's, else the product of the patterns that fit it."""
    factors = {}
    for name in [tensor.name for tensor in tensors]:
        fitting = [value for key, value in scales.items() if fnmatch.fnmatchcase(name, key)]
        factors[name] = scales.get(name, float(np.prod(fitting)))
    return factors


def _penalties(config: RunConfig, places: Mapping[str, dict[str, Any]]) -> tuple[Op, ...]:
    """The penalty's gradient, added to the loss's; `places` of the tensors that it is on."""
    regularization = config.regularization
    l1, l2, mode = regularization.l1, regularization.l2, regularization.mode
    # The proximal step is for L1, whose kink it is about; L2 is smooth and has a gradient.
    by_gradient = {
        "gradient": {"l1": l1, "l2": l2},
        "proximal": {"l1": 0.0, "l2": l2},
        "step": {"l1": 0.0, "l2": 0.0},
    }[mode]
    if not any(by_gradient.values()):
        return ()
    return beside([Op(updates.penalty_gradient, place | by_gradient) for place in places.values()])


def _descents(config: RunConfig, places: Mapping[str, dict[str, Any]]) -> tuple[Op, ...]:
    """The penalty's part of a step, taken off weights before the loss's part is."""
    regularization = config.regularization
    l1, l2, mode = regularization.l1, regularization.l2, regularization.mode
    own: dict[str, Any] = {
        "gradient": {"l1": l1, "l2": 2 * l2},
        "proximal": {"l1": 0.0, "l2": 2 * l2},
        "step": {"l1": l1, "l2": l2},
    }[mode]
    if not any(own.values()):
        return ()
    own["mode"] = int(mode == "step")
    return beside([Op(updates.penalty_descent, place | own) for place in places.values()])


def _updates(
    config: RunConfig, places: Mapping[str, dict[str, Any]], fused: Set[str], penalised: Set[str]
) -> tuple[Op, ...]:
    """The optimizer's step for every tensor but those whose gradient takes it at once."""
    regularization = config.regularization
    l1, l2, mode = regularization.l1, regularization.l2, regularization.mode
    rule, hyperparameters, _ = _update_rule(config.optimizer)
    steps = []
    for name, place in places.items():
        update = [] if name in fused else [Op(rule, place | hyperparameters)]
        if name not in penalised:
            steps += update
        elif mode == "step" and update:
            taken = {**place, "l1": l1, "l2": l2}
            steps += [
                Op(updates.penalty_step, taken),
                *update,
                Op(updates.take_penalty_step, taken),
            ]
        else:
            steps += update
            if mode == "proximal" and l1 > 0:
                steps.append(Op(updates.soft_threshold, {**place, "l1": l1}))
    return beside(steps)


def _used_at_once(config: RunConfig, gradients: Sequence[Op], penalised: Set[str]) -> dict[str, Op]:
    """By weight: the ops that make a gradient and take the optimizer's step with it at once."""
    optimizer = config.optimizer
    if not isinstance(optimizer, SGD):
        return {}
    plain = optimizer.momentum == 0
    if not plain and (optimizer.velocity != "gradient" or optimizer.nesterov):
        return {}
    own: dict[str, Any] = {"use": gradient_use.SGD if plain else gradient_use.MOMENTUM}
    if not plain:
        own["decay1"] = optimizer.momentum
    at_once = {}
    for op in gradients:
        # A penalty's gradient would have to be in the velocity, too; and some steps are taken
        # while the gradient is sent down, before the penalty's part.
        if op.tensor not in penalised or (plain and not op.sends_down):
            function = (
                layers.dense_step if op.function is layers.dense_backward_weights else op.function
            )
            at_once[op.tensor] = replace(op.having(**own), function=function)
    return at_once


def lower(
    config: RunConfig,
    image_shape: tuple[int, int],
    classes: int,
    rows: int,
    dtype: Any = None,
    training: bool = True,
    lit_share: float = 1.0,
) -> Program:
    """The program of a configuration for images (height, width), in batches of up to `rows`.

    `dtype` is the configuration's unless given. Not `training` leaves dropout out, and backward
    leads to the images instead of the weights. `lit_share` is the share of the training images'
    pixels that the network does not see as zero. Raises UsageError where a layer does not fit on
    the one below.
    """
    builder = Builder(config, image_shape, rows, training, lit_share)
    _place_layers(builder, config.model, classes)
    evaluation_head, training_head, outcome = builder.heads(config.model.output_activation)
    # What is divided by rows goes up through the head and down again in one launch.
    up = len(builder.forward)
    chain = builder.by_rows([*builder.forward, training_head, *reversed(builder.deltas)])
    (*_, evaluation_head), (*_, kept) = (
        builder.by_rows([*builder.forward, evaluation_head]),
        builder.by_rows([evaluation_head, outcome]),
    )
    summed = outcome.having(lanes=1, training=1)
    scales = _lr_scales(config.optimizer.lr_scale, builder.tensors)
    places = {
        tensor.name: {
            **builder.place_of(tensor),
            "lanes": choice.lanes_for(2 * tensor.size),
            "lr_scale": scales[tensor.name],
            "once": 1,
        }
        for tensor in builder.tensors
    }
    settings = config.regularization
    on = regularized_tensors(config, builder.tensors) if settings.l1 > 0 or settings.l2 > 0 else []
    penalised = {tensor.name: places[tensor.name] for tensor in on}
    gradients, deltas = builder.by_rows(builder.gradients), chain[up + 1 :]
    whole = rows <= builder.rows  # a batch is worked on at once, and its gradient is whole
    makers = [op.having(lr_scale=scales[op.tensor]) for op in (*gradients, *deltas) if op.tensor]
    at_once = _used_at_once(config, makers, penalised.keys()) if whole else {}
    apart = {name: place for name, place in penalised.items() if name not in at_once}
    sums = beside(builder.by_rows(builder.sums))
    step = (
        *(at_once.get(op.tensor, op) for op in deltas),
        *_descents(config, {n: place for n, place in penalised.items() if n in at_once}),
        *beside([summed, *(at_once.get(op.tensor, op) for op in gradients)]),
        *sums,
        *_penalties(config, apart),
        *_updates(config, places, at_once.keys(), penalised.keys()),
    )
    return Program(
        dtype=np.dtype(dtype or config.training.dtype),
        classes=classes,
        pixels=image_shape[0] * image_shape[1],
        layers=tuple(_with_activations(builder.layers)),
        tensors=tuple(builder.tensors),
        size=aligned(builder.size),
        capacity=builder.rows,
        row_size=builder.row_size,
        numbers=builder.numbers,
        lit=builder.lit,
        forward=chain[:up],
        evaluation_head=evaluation_head,
        training_head=chain[up],
        outcome=kept,
        deltas=deltas,
        gradients=beside(gradients),
        sums=sums,
        penalties=_penalties(config, penalised),
        step=step,
        enter=builder.enter,
        leave=builder.leave,
        fused=bool(at_once),
        scratch=builder.scratch,
        lane_grads=builder.lane_grads,
        states=_update_rule(config.optimizer)[2],
        keeps_taken=settings.mode == "step",
    )


def _place_layers(builder: Builder, model: Model, classes: int) -> None:
    """Every layer of a model, one on another."""
    for index, layer in enumerate(layers_of(model, classes)):
        if isinstance(model, CNNModel):
            builder.place = f"model.layers.{index}.{layer.type}"
        if isinstance(layer, ConvLayer):
            place_conv(builder, layer.conv)
        elif isinstance(layer, PoolLayer):
            builder.pool(layer.pool)
        elif isinstance(layer, ActivationLayer):
            builder.activation(layer.activation)
        elif isinstance(layer, DropoutLayer):
            builder.dropout(layer.dropout)
        elif isinstance(layer, DenseLayer):
            place_dense(builder, layer.dense.units, layer.dense.bias)
        elif isinstance(layer, FlattenLayer):
            builder.flatten()
        else:
            assert_never(layer)


def _with_activations(layers: Sequence[LayerSpec]) -> list[LayerSpec]:
    """Layers with weights, told which activation follows them and where its output lies."""
    told = []
    for layer, following in zip(layers, [*layers[1:], layers[-1]], strict=True):
        if following.kind == "activation":
            layer = replace(layer, activation=following.name, activation_slot=following.slot)
        told.append(layer)
    return told
