"""The ops of a convolution, made for each choice of kernels with the memory that they need."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

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
from mnistlab.blocks.layers.conv2d.choice import Kernels
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
from mnistlab.runtime.op import Op
from mnistlab.runtime.params import rounded_up

Maker = Callable[[Builder, ConvOperands], Op]


def _forward_by_patches(builder: Builder, operands: ConvOperands) -> Op:
    return Op(ops.conv2d_forward, _with_patches(builder, operands))


def _weights_by_patches(builder: Builder, operands: ConvOperands) -> Op:
    return Op(ops.conv2d_backward_weights, _with_patches(builder, operands))


def _input_by_patches(builder: Builder, operands: ConvOperands) -> Op:
    return Op(ops.conv2d_backward_input, _with_patches(builder, operands))


def _with_patches(builder: Builder, operands: ConvOperands) -> ConvOperands:
    """Operands with scratch for the patches of an image."""
    positions = operands.rows * operands.columns
    return replace(operands, **builder.take_scratch(_taps(operands) * positions))


def _forward_without_patches(builder: Builder, operands: ConvOperands) -> Op:
    o = operands
    own = _framed_by_rows(builder, o)
    scratch = builder.take_scratch((o.filters + without_patches.FILTERS) * _taps(o))
    return Op(without_patches_ops.forward_without_patches, replace(own, **scratch))


def _weights_without_patches(builder: Builder, operands: ConvOperands) -> Op:
    """Of images that the forward pass has framed, if it goes by rows, too."""
    o, forward = operands, builder.forward[-1]
    if forward.function is without_patches_ops.forward_without_patches:
        framed: Any = forward.operands
        own = replace(framed, frames=0)
    else:
        own = _framed_by_rows(builder, o)
    scratch = without_patches_gradient.backward_scratch(o.filters, _taps(o), o.rows, o.columns)
    own = replace(own, **builder.take_scratch(scratch))
    return Op(without_patches_ops.backward_weights_without_patches, own)


def _framed_by_rows(builder: Builder, operands: ConvOperands) -> WithoutPatchesOperands:
    """Operands with a slot for the framed inputs, if they differ from the inputs."""
    o = operands
    high, wide = o.height + 2 * o.padding, -(-(o.width + 2 * o.padding) // o.stride)
    frames = o.stride > 1 or o.padding > 0
    own = WithoutPatchesOperands(
        **vars(o),
        framed=builder.take_slot(o.channels * o.stride * high * wide) if frames else o.x,
        frames=int(frames),
        taps_at=builder.take_tap_offsets(_taps(o)),
    )
    builder.pack.append(Op(without_patches_ops.find_tap_offsets, own, lanes=1))
    return own


def _input_without_patches(builder: Builder, operands: ConvOperands) -> Op:
    """A convolution of the padded gradient with the flipped filters."""
    o = operands
    framed = o.filters * (o.height + o.side - 1) * (o.width + o.side - 1)
    taps = o.filters * o.side**2
    own = WithoutPatchesOperands(
        **vars(o), framed=0, frames=0, taps_at=builder.take_tap_offsets(taps)
    )
    size = framed + (2 * o.channels + without_patches.FILTERS) * taps
    builder.pack.append(Op(without_patches_ops.find_tap_offsets_back, own, lanes=1))
    own = replace(own, **builder.take_scratch(size))
    return Op(without_patches_ops.backward_input_without_patches, own)


def _forward_side_by_side(builder: Builder, operands: ConvOperands) -> Op:
    own = _framed_tiles(builder, operands)
    packed = rounded_up(own.filters, FILTERS) * _taps(own)
    scratch = builder.take_scratch(_tiles(own) + packed)
    return Op(side_by_side_ops.forward_side_by_side, replace(own, **scratch))


def _weights_side_by_side(builder: Builder, operands: ConvOperands) -> Op:
    own = _framed_tiles(builder, operands)
    taps = rounded_up(_taps(own), TAPS)
    own = replace(
        own,
        sums=rounded_up(own.filters, FILTERS) * taps,
        taps_at=builder.take_tap_offsets(taps),
    )
    builder.pack.append(Op(side_by_side_ops.find_tap_offsets, own, lanes=1))
    own = replace(own, **builder.take_scratch(_tiles(own) + own.sums))
    return Op(side_by_side_ops.backward_weights_side_by_side, own)


def _input_side_by_side(builder: Builder, operands: ConvOperands) -> Op:
    own = _framed_gradient_tiles(builder, operands)
    packed = (own.channels + rounded_up(own.channels, FILTERS)) * own.filters * own.side**2
    scratch = builder.take_scratch(_tiles(own) + packed)
    return Op(side_by_side_ops.backward_input_side_by_side, replace(own, **scratch))


def _forward_fewer_products(builder: Builder, operands: ConvOperands) -> Op:
    o = operands
    own = _with_squares(_framed_tiles(builder, o), o.channels, o.filters)
    scratch = builder.take_scratch(_tiles(own) + own.filter_squares + own.squares)
    return Op(fewer_products_ops.forward_fewer_products, replace(own, **scratch))


def _weights_fewer_products(builder: Builder, operands: ConvOperands) -> Op:
    o = operands
    sums, squares = fewer_products_gradient.sums_sizes(o.channels, o.filters)
    tiles = {**vars(_framed_tiles(builder, o)), "sums": sums}
    own = FewerProductsOperands(**tiles, squares=squares)
    scratch = builder.take_scratch(_tiles(own) + sums + squares)
    return Op(fewer_products_ops.backward_weights_fewer_products, replace(own, **scratch))


def _input_fewer_products(builder: Builder, operands: ConvOperands) -> Op:
    o = operands
    own = _with_squares(_framed_gradient_tiles(builder, o), o.filters, o.channels)
    turned = o.channels * o.filters * o.side**2
    scratch = builder.take_scratch(_tiles(own) + turned + own.filter_squares + own.squares)
    return Op(fewer_products_ops.backward_input_fewer_products, replace(own, **scratch))


def _with_squares(tiles: SideBySideOperands, maps: int, filters: int) -> FewerProductsOperands:
    """Operands for sums of `maps` maps for each of `filters`, with their transformed parts."""
    return FewerProductsOperands(
        **vars(tiles),
        filter_squares=fewer_products.PLACES * rounded_up(filters, FILTERS) * maps,
        squares=fewer_products.squares_size(maps, filters),
    )


def _framed_tiles(builder: Builder, operands: ConvOperands) -> SideBySideOperands:
    """Operands for tiles of the inputs, framed if there is padding or a stride."""
    o = operands
    high, wide = o.height + 2 * o.padding, -(-(o.width + 2 * o.padding) // o.stride)
    is_framed = o.padding > 0 or o.stride > 1
    framed = tile_size(o.channels * high * o.stride * wide) if is_framed else 0
    return _side_by_side(builder, o, high=high, wide=wide, framed=framed)


def _framed_gradient_tiles(builder: Builder, operands: ConvOperands) -> SideBySideOperands:
    """Operands for tiles of the padded gradient."""
    o = operands
    high, wide = o.height + o.side - 1, o.width + o.side - 1
    framed = tile_size(o.filters * high * wide)
    return _side_by_side(builder, o, high=high, wide=wide, framed=framed)


def _side_by_side(builder: Builder, operands: ConvOperands, **own: int) -> SideBySideOperands:
    o = operands
    builder.grain = math.lcm(builder.grain, images_together(builder.rows))
    return SideBySideOperands(
        **vars(o),
        **own,
        x_tile=tile_size(o.channels * o.height * o.width),
        y_tile=tile_size(o.filters * o.rows * o.columns),
    )


def _tiles(own: SideBySideOperands) -> int:
    return own.x_tile + own.framed + own.y_tile


def _taps(operands: ConvOperands) -> int:
    return operands.channels * operands.side**2


FORWARD: Mapping[Kernels, Maker] = {
    Kernels.PATCHES: _forward_by_patches,
    Kernels.WITHOUT_PATCHES: _forward_without_patches,
    Kernels.SIDE_BY_SIDE: _forward_side_by_side,
    Kernels.FEWER_PRODUCTS: _forward_fewer_products,
}
WEIGHTS_GRADIENT: Mapping[Kernels, Maker] = {
    Kernels.PATCHES: _weights_by_patches,
    Kernels.WITHOUT_PATCHES: _weights_without_patches,
    Kernels.SIDE_BY_SIDE: _weights_side_by_side,
    Kernels.FEWER_PRODUCTS: _weights_fewer_products,
}
INPUT_GRADIENT: Mapping[Kernels, Maker] = {
    Kernels.PATCHES: _input_by_patches,
    Kernels.WITHOUT_PATCHES: _input_without_patches,
    Kernels.SIDE_BY_SIDE: _input_side_by_side,
    Kernels.FEWER_PRODUCTS: _input_fewer_products,
}
