"""A dense layer placed: the choice among the plain path and those that skip zeros."""

from dataclasses import replace
from typing import Any

from mnistlab.engine import choice
from mnistlab.engine.builder import Builder
from mnistlab.engine.passes import layers, lit, narrow, sparse
from mnistlab.engine.program import Op
from mnistlab.kernels.lit_pixels import LISTED, words_of
from mnistlab.kernels.sparse import BLOCK


def place_dense(builder: Builder, units: int, bias: bool) -> None:
    """Forward and backward of a dense layer, by the path that `choice` finds quickest."""
    name = builder.numbered("dense")
    inputs, first = builder.width, builder.top == 0
    fans = (inputs, units)
    plan = choice.lit_plan(builder.rows, units)
    operands: dict[str, Any] = {
        "x": builder.top,
        "y": builder.take_slot(units),
        "inputs": inputs,
        "outputs": units,
        "weight": builder.add_tensor(name, "weight", fans, fans),
        "biases": units if bias else 0,
    }
    weight = f"{name}.weight"
    # Room whether it is used or not, so that all programs of a model agree on places.
    if choice.is_narrow(units):
        operands["tile"] = choice.narrow_stride(inputs)
        operands["tiles"] = builder.take_room(units * operands["tile"])
    elif first:
        padded = units != plan.tile
        room = inputs * plan.tiles * plan.tile
        operands["tiles"] = builder.take_room(room) if padded else operands["weight"]
    operands["bias"] = builder.add_tensor(name, "bias", (units,), fans) if bias else 0
    if builder.training and choice.is_narrow(units):
        _narrow_dense(builder, operands, weight, first)
    elif first and choice.skips_dark_pixels(builder.lit_share, inputs, units):
        _lit_dense(builder, operands, weight, plan)
    elif builder.training and choice.skips_zeros(builder.zeros, builder.rows, inputs, units):
        _sparse_dense(builder, operands, weight)
    else:
        _plain_dense(builder, operands, weight, first)
    count = inputs * units + (units if bias else 0)
    builder.add_layer(name, "dense", f"{inputs} → {units}", (units,), count, operands["y"])
    builder.rise(operands["y"], (units,))


def _plain_dense(builder: Builder, operands: dict[str, Any], weight: str, first: bool) -> None:
    """A layer by BLAS, divided by columns where the rows are few."""
    inputs, units = operands["inputs"], operands["outputs"]
    builder.work += inputs * units
    columns = choice.column_lanes(builder.rows, inputs, units)
    builder.forward.append(Op(layers.dense_forward, {**operands, **columns}))
    if not first or not builder.training:  # in training the images need no gradient
        columns = choice.column_lanes(builder.rows, units, inputs)
        builder.deltas.append(Op(layers.dense_backward_input, {**operands, **columns}))
    lanes = choice.lanes_for(builder.rows * inputs * units)
    operands = {**operands, "lanes": max(1, min(lanes, inputs // 32))}
    builder.gradients.append(Op(layers.dense_backward_weights, operands, tensor=weight))


def _sparse_dense(builder: Builder, operands: dict[str, Any], weight: str) -> None:
    """A layer behind a ReLU that skips zeros, its inputs divided into blocks."""
    units, lanes = operands["outputs"], choice.MOST_LANES
    builder.work += builder.width * units
    tile, parts = choice.sparse_tile(units), builder.take_scratch(builder.rows * units)
    words, bytes_ = builder.lit
    builder.lit = (words + lanes * BLOCK, bytes_)
    operands = {
        **operands,
        **builder.take_scratch(builder.rows * (units + 2 * BLOCK)),
        "numbers_at": words,
        "collected": parts["scratch_at"],
        "collected_each": parts["scratch"],
        "parts": lanes,
        "tile": tile,
    }
    builder.forward += [Op(sparse.forward_of(tile), {**operands, "lanes": lanes})]
    builder.forward += [Op(sparse.add_parts, operands)]
    backward = Op(sparse.backward_of(tile), {**operands, "lanes": lanes}, tensor=weight)
    builder.deltas.append(replace(backward, sends_down=True))


def _narrow_dense(builder: Builder, operands: dict[str, Any], weight: str, first: bool) -> None:
    """A layer of few outputs, by rows of its turned weights."""
    inputs, units = builder.width, operands["outputs"]
    builder.work += choice.narrow_work(inputs, units)
    builder.tiled[weight] = (operands["tiles"], units * operands["tile"])
    builder.move(narrow.to_turned, narrow.from_turned, operands)
    builder.forward.append(Op(narrow.narrow_forward, operands))
    if not first:
        builder.deltas.append(Op(narrow.narrow_backward_input, operands))
    lanes = choice.narrow_lanes(builder.rows, inputs, units)
    backward = Op(narrow.narrow_backward_weights, {**operands, "lanes": lanes}, tensor=weight)
    builder.gradients.append(backward)


def _lit_dense(
    builder: Builder, operands: dict[str, Any], weight: str, plan: choice.LitPlan
) -> None:
    """A first layer that skips dark pixels: listed in place of gathered."""
    inputs, units = builder.width, operands["outputs"]
    builder.work += choice.lit_work(inputs, units, builder.lit_share)
    builder.tiled[weight] = (operands["tiles"], inputs * plan.tiles * plan.tile)
    listings, words = -(-builder.rows // plan.listed), LISTED * words_of(inputs)
    builder.lit = (listings * (words + inputs), listings * LISTED * inputs)  # the first of all
    operands |= {"listed": plan.listed, "parts": plan.parts, "tile": plan.tile}
    operands |= builder.take_scratch(plan.listed * plan.tile)
    list_lit, forward = Op(lit.list_lit, operands), Op(lit.forward_of(plan.tile), operands)
    lanes = choice.lit_lanes(builder.rows, inputs, units, builder.lit_share, plan)
    if plan.by_column:
        if plan.tiles > 1:
            operands["collected"] = builder.take_scratch(builder.rows * units, lanes=1)[
                "scratch_at"
            ]
        builder.forward = [
            list_lit.having(lanes=min(lanes, 2), by_column=1),
            forward.having(**operands, lanes=lanes, by_column=1),
        ]
        if plan.tiles > 1:
            builder.forward.append(Op(lit.collect, operands))
    else:
        builder.grain = plan.listed
        builder.forward = [list_lit, forward]
    if operands["tiles"] != operands["weight"]:
        builder.move(lit.to_tiles, lit.from_tiles, operands)
    backward = Op(lit.backward_weights_of(plan.tile), operands, tensor=weight)
    builder.gradients.append(backward.having(lanes=lanes))
