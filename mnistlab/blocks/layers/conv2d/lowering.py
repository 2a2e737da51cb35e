"""Lowers a convolution: by patches and BLAS, by rows of its output, or by images side by side."""

import math
from dataclasses import replace
from typing import Any, NamedTuple

from mnistlab.blocks.layers.conv2d import (
    fewer_products,
    fewer_products_gradient,
    fewer_products_ops,
    ops,
    side_by_side_ops,
    without_patches,
    without_patches_gradient,
    without_patches_ops,
)
from mnistlab.blocks.layers.conv2d.choice import (
    MOST_FILTERS_BY_ROWS,
    convolves_few_images_by_rows,
    convolves_side_by_side,
    convolves_with_fewer_products,
    convolves_without_patches,
    goes_back_by_rows,
    sums_with_fewer_products,
)
from mnistlab.blocks.layers.conv2d.fewer_products_ops import FewerProductsOperands
from mnistlab.blocks.layers.conv2d.ops import ConvOperands
from mnistlab.blocks.layers.conv2d.side_by_side import (
    FILTERS,
    TAPS,
    images_together,
    tile_size,
)
from mnistlab.blocks.layers.conv2d.side_by_side_ops import SideBySideOperands
from mnistlab.blocks.layers.conv2d.without_patches_ops import WithoutPatchesOperands
from mnistlab.runtime.builder import Builder
from mnistlab.runtime.lanes import MOST_LANES
from mnistlab.runtime.op import Op
from mnistlab.runtime.params import aligned, rounded_up
from mnistlab.support.errors import UsageError


class ConvOps(NamedTuple):
    """The three ops of a convolution."""

    forward: Op
    backward_weights: Op
    backward_input: Op


def build_conv2d(builder: Builder, conv: Any) -> None:
    """Build a convolution, see the configuration's `conv`."""
    name = builder.numbered("conv")
    patches = builder.patches(name, conv.kernel, conv.stride, conv.border)
    shape = (conv.filters, patches["rows"], patches["columns"])
    channels, area = patches["channels"], conv.kernel**2
    weights = (conv.filters, channels, conv.kernel, conv.kernel)
    absent = absent_weights(builder, conv, channels)
    present = math.prod(weights) - sum(end - begin for begin, end in absent)
    # The mean over the filters, or over the channels, where connections are absent.
    fans = (round(present / conv.filters), round(present / channels))
    bias_shape = {"none": (), "shared": shape[:1], "per_position": shape}[conv.bias]
    biases = math.prod(bias_shape) if bias_shape else 0
    operands = ConvOperands(
        **patches,
        padding=conv.border,
        y=builder.take_slot(math.prod(shape)),
        filters=conv.filters,
        weight=builder.add_tensor(name, "weight", weights, fans, absent=absent),
        bias=builder.add_tensor(name, "bias", bias_shape, fans) if biases else 0,
        biases=biases,
        lane_grads=aligned(math.prod(weights) + biases),
        lane_grads_at=builder.lane_grads,
    )
    weight = operands.weight
    builder.work += math.prod(shape) * channels * area
    conv_ops = _conv_ops(builder, operands)
    builder.forward.append(conv_ops.forward)
    if not builder.on_image or not builder.training:  # in training, images need no gradient
        builder.deltas.append(conv_ops.backward_input)
    if builder.training:
        builder.lane_grads += MOST_LANES * operands.lane_grads
        builder.gradients.append(conv_ops.backward_weights)
        builder.sums.append(Op(ops.sum_lane_grads, operands, lanes=1))
        # With one lane, too: they run after the sum, in its lane.
        for begin, end in absent:
            unconnected = ops.AbsentOperands(begin=weight + begin, end=weight + end)
            builder.sums.append(Op(ops.clear_gradient, unconnected, lanes=1))
    text = f"{conv.filters} filters {conv.kernel} × {conv.kernel}"
    builder.add_layer(name, "conv", text, shape, present + biases, operands.y)
    builder.set_output(operands.y, shape, overwritable=True)


def absent_weights(builder: Builder, conv: Any, channels: int) -> list[tuple[int, int]]:
    """The ranges [begin, end) of a weight whose connections the configuration leaves out.

    Raises UsageError if it names an input map that there is not.
    """
    if conv.connections is None:
        return []
    largest, area = max(map(max, conv.connections)), conv.kernel**2
    if largest >= channels:
        raise UsageError(
            f"{builder.key}.connections: found input map {largest}, but the layer has {channels} "
            f"input maps, 0 to {channels - 1}"
        )
    ranges: list[tuple[int, int]] = []
    for number, maps in enumerate(conv.connections):
        for channel in sorted(set(range(channels)) - set(maps)):
            begin = (number * channels + channel) * area
            if ranges and ranges[-1][1] == begin:
                begin = ranges.pop()[0]
            ranges.append((begin, (number * channels + channel + 1) * area))
    return ranges


def _conv_ops(builder: Builder, operands: ConvOperands) -> ConvOps:
    """A convolution by patches and BLAS, or by kernels that are faster for its shape."""
    of_patch = operands.channels * operands.side**2
    scratch = builder.take_scratch(of_patch * operands.rows * operands.columns)
    patches = replace(operands, **scratch)
    by_patches = ConvOps(
        Op(ops.conv2d_forward, patches),
        Op(ops.conv2d_backward_weights, patches),
        Op(ops.conv2d_backward_input, patches),
    )
    if builder.plain:
        return by_patches
    forward, backward_weights, backward_input = by_patches
    o = operands
    fewer = o.side == 3 and o.stride == 1 and o.padding < o.side
    positions, weights = o.rows * o.columns, o.channels * o.filters * o.side**2
    if fewer and convolves_with_fewer_products(builder.rows, o.channels, o.filters, positions):
        forward, backward_weights = _forward_fewer_products(builder, o)
    elif o.padding == 0 and convolves_without_patches(o.filters, o.rows, o.columns):
        forward, backward_weights = _forward_without_patches(builder, o, backward_weights)
    elif convolves_side_by_side(builder.rows, o.filters, positions):
        forward, backward_weights = _forward_side_by_side(builder, o)
    elif convolves_few_images_by_rows(weights, o.filters, o.rows, o.columns):
        forward, backward_weights = _forward_without_patches(builder, o, backward_weights)
    if fewer and convolves_with_fewer_products(builder.rows, o.filters, o.channels, positions):
        backward_input = _backward_fewer_products(builder, o)
    # Before the rows, which compute the products with the border's zeros, too.
    elif o.padding < o.side and convolves_side_by_side(builder.rows, o.channels, positions):
        backward_input = _backward_side_by_side(builder, o)
    elif (
        o.stride == 1
        and o.padding < o.side
        and goes_back_by_rows(weights, o.channels, o.height, o.width, o.side)
    ):
        backward_input = _backward_without_patches(builder, o)
    return ConvOps(forward, backward_weights, backward_input)


def _forward_side_by_side(builder: Builder, operands: ConvOperands) -> tuple[Op, Op]:
    """Forward and the weights' gradient, a tile of images at a time."""
    o = operands
    high, wide = o.height + 2 * o.padding, -(-(o.width + 2 * o.padding) // o.stride)
    framed = o.padding > 0 or o.stride > 1
    taps, filters = o.channels * o.side**2, rounded_up(o.filters, FILTERS)
    own = _side_by_side(
        builder,
        o,
        high=high,
        wide=wide,
        framed=tile_size(o.channels * high * o.stride * wide) if framed else 0,
        sums=filters * rounded_up(taps, TAPS),
        taps_at=builder.take_tap_offsets(rounded_up(taps, TAPS)),
    )
    tiles = own.x_tile + own.framed + own.y_tile
    forward = replace(own, **builder.take_scratch(tiles + filters * taps))
    weights = replace(own, **builder.take_scratch(tiles + own.sums))
    builder.pack.append(Op(side_by_side_ops.find_tap_offsets, own, lanes=1))
    return (
        Op(side_by_side_ops.forward_side_by_side, forward),
        Op(side_by_side_ops.backward_weights_side_by_side, weights),
    )


def _backward_side_by_side(builder: Builder, operands: ConvOperands) -> Op:
    """The gradient of the inputs, a tile of images at a time."""
    o = operands
    high, wide = o.height + o.side - 1, o.width + o.side - 1
    framed = tile_size(o.filters * high * wide)
    own = _side_by_side(builder, o, high=high, wide=wide, framed=framed)
    packed = (o.channels + rounded_up(o.channels, FILTERS)) * o.filters * o.side**2
    scratch = builder.take_scratch(own.x_tile + own.y_tile + own.framed + packed)
    return Op(side_by_side_ops.backward_input_side_by_side, replace(own, **scratch))


def _forward_fewer_products(builder: Builder, operands: ConvOperands) -> tuple[Op, Op]:
    """Forward, and the weights' gradient if that is faster, too."""
    o = operands
    forward, weights = _forward_side_by_side(builder, o)
    side: Any = forward.operands
    tiles = side.x_tile + side.framed + side.y_tile
    sizes = {
        "filter_squares": fewer_products.PLACES * rounded_up(o.filters, FILTERS) * o.channels,
        "squares": fewer_products.squares_size(o.channels, o.filters),
    }
    own = FewerProductsOperands(**{**vars(side), **sizes})
    scratch = builder.take_scratch(tiles + own.filter_squares + own.squares)
    forward = Op(fewer_products_ops.forward_fewer_products, replace(own, **scratch))
    if sums_with_fewer_products(o.channels, o.filters):
        sums, squares = fewer_products_gradient.sums_sizes(o.channels, o.filters)
        scratch = builder.take_scratch(tiles + sums + squares)
        own = replace(own, sums=sums, squares=squares, **scratch)
        weights = Op(fewer_products_ops.backward_weights_fewer_products, own)
    return forward, weights


def _backward_fewer_products(builder: Builder, operands: ConvOperands) -> Op:
    """The gradient of the inputs."""
    o = operands
    side: Any = _backward_side_by_side(builder, o).operands
    own = FewerProductsOperands(
        **{
            **vars(side),
            "filter_squares": fewer_products.PLACES * rounded_up(o.channels, FILTERS) * o.filters,
            "squares": fewer_products.squares_size(o.filters, o.channels),
        }
    )
    tiles = own.x_tile + own.y_tile + own.framed + o.channels * o.filters * o.side**2
    scratch = builder.take_scratch(tiles + own.filter_squares + own.squares)
    return Op(fewer_products_ops.backward_input_fewer_products, replace(own, **scratch))


def _side_by_side(builder: Builder, operands: ConvOperands, **own: int) -> SideBySideOperands:
    o = operands
    builder.grain = math.lcm(builder.grain, images_together(builder.rows))
    return SideBySideOperands(
        **vars(o),
        **own,
        x_tile=tile_size(o.channels * o.height * o.width),
        y_tile=tile_size(o.filters * o.rows * o.columns),
    )


def _forward_without_patches(
    builder: Builder, operands: ConvOperands, backward_weights: Op
) -> tuple[Op, Op]:
    """Forward by rows of output, and the weights' gradient if that is faster, too."""
    o = operands
    taps = o.channels * o.side**2
    high, wide = o.height + 2 * o.padding, -(-(o.width + 2 * o.padding) // o.stride)
    size = o.channels * o.stride * high * wide
    is_framed = o.stride > 1 or o.padding > 0
    own = _without_patches(
        o, framed=builder.take_slot(size) if is_framed else builder.top, taps_at=0
    )
    scratch = builder.take_scratch((o.filters + without_patches.FILTERS) * taps)
    own = replace(own, taps_at=builder.take_tap_offsets(taps))
    forward = replace(own, **scratch)
    builder.pack.append(Op(without_patches_ops.find_tap_offsets, forward, lanes=1))
    if o.filters <= MOST_FILTERS_BY_ROWS:
        scratch = builder.take_scratch(
            without_patches_gradient.backward_scratch(o.filters, taps, o.rows, o.columns)
        )
        function = without_patches_ops.backward_weights_without_patches
        backward_weights = Op(function, replace(own, **scratch))
    return Op(without_patches_ops.forward_without_patches, forward), backward_weights


def _backward_without_patches(builder: Builder, operands: ConvOperands) -> Op:
    """The gradient of the inputs: a convolution of the padded gradient with the flipped filters."""
    o = operands
    framed = o.filters * (o.height + o.side - 1) * (o.width + o.side - 1)
    taps = o.filters * o.side**2
    size = framed + (2 * o.channels + without_patches.FILTERS) * taps
    own = replace(
        _without_patches(o, framed=0, taps_at=0),
        **builder.take_scratch(size),
        taps_at=builder.take_tap_offsets(taps),
    )
    builder.pack.append(Op(without_patches_ops.find_tap_offsets_back, own, lanes=1))
    return Op(without_patches_ops.backward_input_without_patches, own)


def _without_patches(operands: ConvOperands, **own: int) -> WithoutPatchesOperands:
    return WithoutPatchesOperands(**vars(operands), **own)
