"""Lowers a dense layer: the plain kernels, or kernels that skip work."""

from dataclasses import asdict, replace
from typing import Any

from mnistlab.blocks.layers.dense import (
    few_outputs_ops,
    one_image_ops,
    ops,
    products,
    products_ops,
    sparse_hidden_ops,
    sparse_input_ops,
)
from mnistlab.blocks.layers.dense.choice import (
    InputPlan,
    block_in_registers,
    column_lanes,
    copies_columns,
    divides_inputs,
    few_outputs_lanes,
    few_outputs_row,
    few_outputs_work,
    gradient_in_registers,
    has_few_outputs,
    input_gradient_in_registers,
    input_plan,
    may_skip_zero_inputs,
    parts_in_registers,
    skips_zero_inputs,
    skips_zero_pixels,
    sparse_hidden_block,
    sparse_hidden_tile,
    sparse_input_lanes,
    sparse_input_work,
    sums_in_registers,
    tiles_in_registers,
)
from mnistlab.blocks.layers.dense.few_outputs_ops import FewOutputsOperands
from mnistlab.blocks.layers.dense.ops import DenseOperands
from mnistlab.blocks.layers.dense.products_ops import (
    GradientProductsOperands,
    ProductsOperands,
)
from mnistlab.blocks.layers.dense.sparse_hidden import BLOCK
from mnistlab.blocks.layers.dense.sparse_hidden_ops import SparseHiddenOperands
from mnistlab.blocks.layers.dense.sparse_input import LISTED, words_of
from mnistlab.blocks.layers.dense.sparse_input_ops import ListingOperands, SparseInputOperands
from mnistlab.runtime.builder import Builder, Incoming
from mnistlab.runtime.kernel import Kernel
from mnistlab.runtime.lanes import MOST_LANES, lanes_for
from mnistlab.runtime.op import Op
from mnistlab.runtime.params import rounded_up


def build_dense(builder: Builder, units: int, bias: bool) -> None:
    """Build the forward and backward ops of a dense layer, with the kernels that
    `choice` selects.
    """
    name = builder.numbered("dense")
    inputs, first = builder.width, builder.top == 0
    fans = (inputs, units)
    plan = input_plan(builder.rows, units)
    operands: dict[str, Any] = {
        "x": builder.top,
        "y": builder.take_slot(units),
        "inputs": inputs,
        "outputs": units,
        "weight": builder.add_tensor(name, "weight", fans, fans),
        "biases": units if bias else 0,
    }
    weight = f"{name}.weight"
    # Reserved even when unused: every program of a model uses the same offsets. In evaluation,
    # which has no dropout, the layer on the image is the first layer.
    packed = operands["weight"]
    if has_few_outputs(units):
        packed = builder.take_params(units * few_outputs_row(inputs))
    elif size := max(_packed_size(builder, inputs, units, plan)):
        packed = builder.take_params(size)
    operands["bias"] = builder.add_tensor(name, "bias", (units,), fans) if bias else 0
    if builder.plain:
        _plain(builder, DenseOperands(**operands), weight)
    elif has_few_outputs(units):
        _few_outputs(builder, operands, weight, packed)
    elif first and _skips_zero_pixels(builder, inputs, units):
        _sparse_input(builder, operands, weight, packed, plan)
    elif _skips_zeros(builder, inputs, units):
        _sparse_hidden(builder, operands, weight, packed)
    else:
        _plain(builder, DenseOperands(**operands), weight)
    count = inputs * units + (units if bias else 0)
    builder.add_layer(name, "dense", f"{inputs} → {units}", (units,), count, operands["y"])
    builder.set_output(operands["y"], (units,), overwritable=True)


def _packed_size(builder: Builder, inputs: int, units: int, plan: InputPlan) -> tuple[int, int]:
    """The elements of the weight in the order of sparse_input.py, and in that of sparse_hidden.py.

    0 if the layer never needs that order, or the weight has it anyway.
    """
    on_image = builder.on_image and units != plan.tile
    tile = sparse_hidden_tile(units)
    skips = (builder.behind_relu or builder.on_image) and may_skip_zero_inputs(inputs, units)
    return (
        inputs * plan.tiles * plan.tile if on_image else 0,
        inputs * rounded_up(units, tile) if skips and units != tile else 0,
    )


def _skips_zero_pixels(builder: Builder, inputs: int, units: int) -> bool:
    """Whether a first layer lists its pixels; a batch of one image gains nothing unless zero pixels
    are zero inputs.
    """
    listed = builder.rows > 1 or builder.offset == 0
    return listed and skips_zero_pixels(builder.nonzero_share, inputs, units)


def _skips_zeros(builder: Builder, inputs: int, units: int) -> bool:
    """Whether the layer skips zero inputs; their gradient must not be needed."""
    if not builder.training or not (builder.behind_relu or builder.on_image):
        return False
    return skips_zero_inputs(builder.nonzero, builder.rows, inputs, units)


def _plain(builder: Builder, operands: DenseOperands, weight: str) -> None:
    """Build a layer that skips nothing, divided by columns if there are few rows.

    Its products are BLAS's, but for a forward pass with sums in registers.
    """
    inputs, units = operands.inputs, operands.outputs
    builder.work += inputs * units

    def by_columns(op: Op, fan_in: int, fan_out: int) -> Op:
        lanes = column_lanes(builder.rows, fan_in, fan_out)
        return replace(op.having(by_column=True), lanes=lanes) if lanes else op

    forward = Op(ops.dense_forward, operands)
    if not builder.plain and sums_in_registers(builder.rows, inputs, units):
        forward = Op(products_ops.products_forward, _in_registers(builder, operands))
    builder.forward.append(by_columns(forward, inputs, units))
    if not builder.on_image or not builder.training:  # in training, images need no gradient
        backward = ops.dense_backward_input
        if not builder.plain and input_gradient_in_registers(builder.rows, units):
            backward = products_ops.products_backward_input
        builder.deltas.append(by_columns(Op(backward, operands), units, inputs))
    lanes = max(1, min(lanes_for(builder.rows * inputs * units), inputs // 32))
    fast = builder.training and not builder.plain
    if fast and gradient_in_registers(builder.rows, inputs, units):
        _gradient_in_registers(builder, operands, weight, lanes)
    else:
        backward = ops.dense_backward_weights
        builder.gradients.append(Op(backward, operands, lanes=lanes, tensor=weight, owned=units))


def _in_registers(builder: Builder, operands: DenseOperands) -> ProductsOperands:
    inputs, units = operands.inputs, operands.outputs
    copies = copies_columns(builder.rows)
    return ProductsOperands(
        **asdict(operands),
        **builder.take_scratch(products.SCRATCH),
        parts=parts_in_registers(builder.rows, inputs, units),
        block=products.COPIED if copies else block_in_registers(units),
        copies=copies,
        tiles=tiles_in_registers(builder.rows, inputs, units),
    )


def _gradient_in_registers(
    builder: Builder, operands: DenseOperands, weight: str, lanes: int
) -> None:
    width = rounded_up(operands.outputs, products.COLUMNS)
    own = GradientProductsOperands(
        **asdict(operands),
        **builder.take_scratch(products.scratch_for(builder.rows)),
        columns_at=builder.take_scratch(builder.rows * width, lanes=1)["scratch_at"],
    )
    builder.deltas.append(Op(products_ops.products_lay_out, own))
    backward, owned = products_ops.products_backward_weights, products.ROWS * operands.outputs
    builder.gradients.append(Op(backward, own, lanes=lanes, tensor=weight, owned=owned))


def _few_outputs(builder: Builder, operands: dict[str, Any], weight: str, packed: int) -> None:
    """Build a layer of few outputs, by rows of its transposed weight."""
    inputs, units = operands["inputs"], operands["outputs"]
    builder.work += few_outputs_work(inputs, units)
    own = FewOutputsOperands(**operands, transposed=packed, row=few_outputs_row(inputs))
    place, incoming = (packed, units * own.row), Incoming(own.row, 0, 0)
    turn = few_outputs_ops.transpose, few_outputs_ops.restore
    builder.pack_weight(weight, place, incoming, *turn, own)
    builder.forward.append(Op(few_outputs_ops.few_outputs_forward, own))
    if not builder.on_image or not builder.training:  # in training, images need no gradient
        builder.deltas.append(Op(few_outputs_ops.few_outputs_backward_input, own))
    lanes = few_outputs_lanes(builder.rows, inputs, units)
    backward = few_outputs_ops.few_outputs_backward_weights
    owned = units * own.row if lanes == 1 else 0  # each of several lanes has a part of every row
    builder.gradients.append(Op(backward, own, lanes=lanes, tensor=weight, owned=owned))


def _sparse_hidden(builder: Builder, operands: dict[str, Any], weight: str, packed: int) -> None:
    """Build a layer that skips zero inputs; the backward pass divides the inputs into blocks."""
    rows, inputs, units = builder.rows, operands["inputs"], operands["outputs"]
    builder.work += inputs * units
    by_inputs, tile = divides_inputs(inputs), sparse_hidden_tile(units)
    width = rounded_up(units, tile)
    lanes, words = MOST_LANES, -(-rows // BLOCK)
    if not by_inputs:
        lanes = min(lanes_for(rows * inputs * units), -(-inputs // BLOCK))
    own = SparseHiddenOperands(
        **operands,
        **builder.take_scratch(rows * max(2 * BLOCK, tile)),
        deltas_at=builder.take_scratch(rows * width, lanes=1)["scratch_at"],
        bits_at=builder.listed_bits,
        words=words,
        parts=lanes if by_inputs else 2,
        blocks=operands["weight"] if units == tile else packed,
        tile=tile,
        width=width,
        block=sparse_hidden_block(tile),
        sends=not builder.on_image,
    )
    builder.listed_bits += MOST_LANES * words * BLOCK
    if units != tile:
        turn = sparse_hidden_ops.to_blocks, sparse_hidden_ops.from_blocks
        place, incoming = (packed, inputs * width), Incoming(inputs, tile, BLOCK)
        builder.pack_weight(weight, place, incoming, *turn, own)
    if by_inputs:
        parts = builder.take_scratch(rows * width)
        own = replace(own, collected=parts["scratch_at"], collected_each=parts["scratch"])
        builder.forward.append(Op(sparse_hidden_ops.forward_of(tile), own, lanes=lanes))
        builder.forward.append(Op(sparse_hidden_ops.add_parts, own))
    else:
        most = min(lanes, own.parts * width // tile)
        forward = sparse_hidden_ops.forward_by_columns_of(tile)
        builder.forward.append(Op(forward, own, lanes=most))
    maker = Op(
        sparse_hidden_ops.backward_of(tile),
        own,
        lanes=lanes,
        tensor=weight,
        sends_down=own.sends,
        owned=BLOCK * width,
    )
    (builder.deltas if own.sends else builder.gradients).append(maker)
    builder.deltas.append(Op(sparse_hidden_ops.lay_out_deltas, own))


def _sparse_input(
    builder: Builder, operands: dict[str, Any], weight: str, packed: int, plan: InputPlan
) -> None:
    """Build a first layer that skips zero pixels: the images are listed instead of gathered."""
    inputs, units = operands["inputs"], operands["outputs"]
    builder.work += sparse_input_work(inputs, units, builder.nonzero_share)
    own = SparseInputOperands(
        **operands,
        **builder.take_scratch(plan.listed * plan.tile),
        tiles=packed,
        tile=plan.tile,
        listed=plan.listed,
        parts=plan.parts,
        by_column=plan.by_column,
    )
    lanes = sparse_input_lanes(builder.rows, inputs, units, builder.nonzero_share, plan)
    if builder.rows == 1:
        backward = _forward_of_one_image(builder, own, lanes)
    else:
        own, backward = _forward_of_listed(builder, own, lanes)
    place = (packed, inputs * plan.tiles * plan.tile)
    incoming = Incoming(inputs, plan.tile, inputs)
    if packed == operands["weight"]:
        builder.packed[weight], builder.incoming[weight] = place, incoming
    else:
        turn = sparse_input_ops.to_tiles, sparse_input_ops.from_tiles
        builder.pack_weight(weight, place, incoming, *turn, own)
    owned = inputs // plan.parts * plan.tile if inputs % plan.parts == 0 else 0
    builder.gradients.append(Op(backward, own, lanes=lanes, tensor=weight, owned=owned))


def _forward_of_one_image(builder: Builder, own: SparseInputOperands, lanes: int) -> Kernel:
    """Build the forward pass of batches of one image; returns the backward pass's function."""
    builder.listed_bits = words_of.py_func(own.inputs)
    listing = ListingOperands(inputs=own.inputs, listed=own.listed, by_column=True)
    forward = one_image_ops.forward_of(own.tile)
    builder.forward = [Op(one_image_ops.list_one, listing, lanes=1), Op(forward, own, lanes=lanes)]
    return one_image_ops.backward_weights_of(own.tile)


def _forward_of_listed(
    builder: Builder, own: SparseInputOperands, lanes: int
) -> tuple[SparseInputOperands, Kernel]:
    """Build the forward pass of images that are listed together; also returns the backward pass's
    function.
    """
    inputs, by_column, tiles = own.inputs, own.by_column, -(-own.outputs // own.tile)
    listings, words = -(-builder.rows // own.listed), LISTED * words_of.py_func(inputs)
    builder.listed_bits = listings * (words + inputs)  # only the first layer lists
    builder.listed_bytes = listings * LISTED * inputs
    if by_column and tiles > 1:
        collected = builder.take_scratch(builder.rows * own.outputs, lanes=1)
        own = replace(own, collected=collected["scratch_at"])
    listing = Op(
        sparse_input_ops.list_nonzero,
        ListingOperands(inputs=inputs, listed=own.listed, by_column=by_column),
        lanes=min(lanes, 2) if by_column else 0,
    )
    forward = sparse_input_ops.forward_of(own.tile)
    builder.forward = [listing, Op(forward, own, lanes=lanes if by_column else 0)]
    if by_column and tiles > 1:
        builder.forward.append(Op(sparse_input_ops.collect, own))
    if not by_column:
        builder.grain = own.listed
    return own, sparse_input_ops.backward_weights_of(own.tile)
