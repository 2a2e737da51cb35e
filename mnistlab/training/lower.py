"""From a configuration to a Program: layers become ops."""

import fnmatch
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from mnistlab.blocks.augmentations._lowering import build_augmentations
from mnistlab.blocks.losses._head import RecordOperands, record_batch
from mnistlab.blocks.penalties.lowering import Updates
from mnistlab.config import RunConfig
from mnistlab.runtime.builder import Builder
from mnistlab.runtime.op import Op, one_launch
from mnistlab.runtime.program import LayerSpec, Program, TensorSpec


def regularized_tensors(config: RunConfig, tensors: Sequence[TensorSpec]) -> list[TensorSpec]:
    """The weights that the penalty applies to; the scale of a normalisation only if it is named."""
    weights = [tensor for tensor in tensors if tensor.kind == "weight"]
    chosen = config.regularization.layers
    if chosen == "all":
        return weights
    if chosen == "last":
        return weights[-1:]
    assert isinstance(chosen, tuple), chosen
    return [t for t in tensors if t.kind in ("weight", "scale") and t.layer in chosen]


def _lr_scales(scales: Mapping[str, float], tensors: Sequence[TensorSpec]) -> dict[str, float]:
    """A factor for every tensor: that of its own name, else the product over matching patterns."""
    factors = {}
    for name in [tensor.name for tensor in tensors]:
        fitting = [value for key, value in scales.items() if fnmatch.fnmatchcase(name, key)]
        factors[name] = scales.get(name, float(np.prod(fitting)))
    return factors


def lower(
    config: RunConfig,
    image_shape: tuple[int, int],
    classes: int,
    rows: int,
    *,
    dtype: Any = None,
    training: bool = True,
    nonzero_share: float = 1.0,
    smallest_batch: int | None = None,
    offset: float = 0.0,
) -> Program:
    """The program of a configuration for images (height, width), in batches of up to `rows`.

    `dtype` is the configuration's by default. If not `training`, there is no dropout and no
    augmentation, and the backward pass ends at the images instead of the weights. `nonzero_share`
    is the share of the training images' pixels that are not zero, `offset` the network's input for
    a pixel of zero, `smallest_batch` the number of rows of the smallest batch in training. Raises
    UsageError if a layer does not fit on the one before, or not on that batch.
    """
    plain = config.training.kernels == "plain"
    layers = config.model.layers_for(classes)
    builder = Builder(
        config.seed,
        image_shape,
        rows,
        training=training,
        plain=plain,
        whole=training and any(layer.of_whole_batch for layer in layers),
        smallest_batch=smallest_batch,
        nonzero_share=nonzero_share,
        offset=offset,
    )
    for index, layer in enumerate(layers):
        builder.key = config.model.key_of(index)
        layer.build(builder)
    augment = build_augmentations(builder, config.data.augment if training else (), image_shape)
    loss = config.loss if training else config.loss.in_evaluation
    by_rows = _ops_by_rows(builder, loss.build(builder, config.model.output_activation))
    gradients = builder.by_rows(builder.gradients)
    updating = _updates(config, builder)
    # A batch is processed at once, and its gradient is complete.
    whole = rows <= builder.rows
    step, fused = _step(builder, by_rows, gradients, updating, at_once=whole and not plain)
    return Program(
        dtype=np.dtype(dtype or config.training.dtype),
        classes=classes,
        pixels=image_shape[0] * image_shape[1],
        layers=tuple(_with_activations(builder.layers)),
        tensors=tuple(builder.tensors),
        sizes=builder.sizes(config.optimizer.update().states, config.regularization.mode == "step"),
        capacity=builder.rows,
        forward=by_rows.forward,
        evaluation_head=by_rows.evaluation_head,
        training_head=by_rows.training_head,
        record_batch=by_rows.record,
        deltas=by_rows.deltas,
        gradients=one_launch(gradients),
        sums=one_launch(builder.by_rows(builder.sums)),
        penalties=updating.penalty_gradients(updating.penalised),
        statistics=one_launch(builder.statistics),
        step=step,
        pack=tuple(builder.pack),
        unpack=tuple(builder.unpack),
        augment=augment,
        fused=fused,
    )


class _ByRows(NamedTuple):
    """The ops that are divided by rows. They run in one launch: forward, head and back."""

    forward: tuple[Op, ...]
    training_head: Op
    deltas: tuple[Op, ...]
    evaluation_head: Op
    record: Op
    record_whole: Op  # of the whole batch, on one lane


def _ops_by_rows(builder: Builder, head: Op) -> _ByRows:
    record = Op(record_batch, RecordOperands(y=builder.top, inputs=builder.width, training=True))
    up = len(builder.forward)
    chain = builder.by_rows([*builder.forward, head, *reversed(builder.deltas)])
    (*_, evaluation_head) = builder.by_rows([*builder.forward, head.having(training=False)])
    (*_, kept) = builder.by_rows([head, record])
    whole = replace(record, lanes=1, row_lanes=kept.row_lanes)
    return _ByRows(chain[:up], chain[up], chain[up + 1 :], evaluation_head, kept, whole)


def _updates(config: RunConfig, builder: Builder) -> Updates:
    """The updates of every trained tensor."""
    scales = _lr_scales(config.optimizer.lr_scale, builder.tensors)
    return Updates(
        config.optimizer,
        config.regularization,
        {
            t.name: {**builder.in_the_loop(t), "lr_scale": scales[t.name]}
            for t in builder.tensors
            if t.trained
        },
        penalised_tensors(config, builder.tensors),
        _limited(config, builder),
    )


def _step(
    builder: Builder,
    by_rows: _ByRows,
    gradients: Sequence[Op],
    updating: Updates,
    at_once: bool,
) -> tuple[tuple[Op, ...], bool]:
    """From the deltas to the new weights; and whether some gradients are never stored.

    `at_once`: an op that computes a complete gradient may also take the weight's step.
    """
    makers = [
        op.having(lr_scale=updating.tensors[op.tensor]["lr_scale"])
        for op in (*gradients, *by_rows.deltas)
        if op.tensor
    ]
    fused = updating.fused(makers) if at_once else {}
    owners = [
        op
        for op in makers
        if op.owned and op.tensor not in fused and at_once and not updating.needs_norm
    ]
    joined = {op.tensor: [op, *updating.joined(op)] for op in owners}

    def stepping(ops: Sequence[Op]) -> list[Op]:
        """The same ops; a weight's step is joined to its gradient's op, where possible."""
        return [each for op in ops for each in joined.get(op.tensor, [fused.get(op.tensor, op)])]

    penalised = updating.penalised
    step = (
        *stepping(by_rows.deltas),
        *updating.penalty_descents(penalised & fused.keys()),
        *one_launch([by_rows.record_whole, *stepping(gradients)]),
        *one_launch(builder.by_rows(builder.sums)),
        *updating.penalty_gradients(penalised - fused.keys() - joined.keys()),
        *updating.steps(fused.keys(), joined.keys()),
        *one_launch(builder.statistics),
    )
    return step, bool(fused)


def _limited(config: RunConfig, builder: Builder) -> dict[str, dict[str, Any]]:
    """The operands of max-norm for each weight that it acts on."""
    if config.regularization.max_norm is None:
        return {}
    found = {}
    weights = [t for t in regularized_tensors(config, builder.tensors) if t.kind == "weight"]
    for weight in weights:
        incoming = builder.incoming_of(weight)
        found[weight.name] = {**incoming._asdict(), **builder.take_scratch(incoming.tile)}
    return found


def penalised_tensors(config: RunConfig, tensors: Sequence[TensorSpec]) -> Set[str]:
    """The names of the weights that a penalty acts on."""
    settings = config.regularization
    if settings.l1 == 0 and settings.l2 == 0:
        return frozenset()
    return {tensor.name for tensor in regularized_tensors(config, tensors)}


def _with_activations(layers: Sequence[LayerSpec]) -> list[LayerSpec]:
    """Layers with weights, with the activation that follows them and its slot.

    A normalisation between a layer and its activation is a part of that layer.
    """
    told: list[LayerSpec] = []
    for layer, above in zip(layers[::-1], [layers[-1], *layers[:0:-1]], strict=True):
        if above.kind == "activation":
            layer = replace(layer, activation=above.activation, activation_slot=above.slot)
        elif above.of_below:
            own = told[-1]
            layer = replace(layer, activation=own.activation, activation_slot=own.activation_slot)
        told.append(layer)
    return told[::-1]
