"""Lowers batch normalisation: with the batch's statistics in training, with the
running ones after.
"""

import math
from dataclasses import replace
from typing import Any, NamedTuple

from mnistlab.blocks.layers.batch_norm import lines, lines_ops, maths, ops
from mnistlab.blocks.layers.batch_norm.lines_ops import LinesOperands
from mnistlab.runtime.builder import Builder
from mnistlab.runtime.kernel import Kernel
from mnistlab.runtime.lanes import lanes_for
from mnistlab.runtime.op import Op
from mnistlab.runtime.params import ALIGNMENT
from mnistlab.support.errors import UsageError


def build_batch_norm(builder: Builder, settings: Any) -> None:
    """Build batch normalisation of each unit, or of each map of an image."""
    name, shape = builder.numbered("batch_norm"), builder.shape
    channels, positions = shape[0], math.prod(shape[1:])
    _refuse_single_values(builder, name, positions)
    fans = (channels, channels)
    operands = LinesOperands(
        x=builder.top,
        y=builder.take_slot(builder.width),
        channels=channels,
        positions=positions,
        scale=builder.add_tensor(name, "scale", (channels,), fans, start=1.0),
        shift=builder.add_tensor(name, "shift", (channels,), fans, start=0.0),
        running_mean=builder.add_statistic(name, "running_mean", (channels,), start=0.0),
        running_variance=builder.add_statistic(name, "running_variance", (channels,), start=1.0),
        statistics=_take(builder, maths.STATISTICS * channels),
        sums=_take(builder, lines.SUMS * channels),
        momentum=settings.momentum,
        epsilon=settings.epsilon,
        sends=not builder.on_image,
    )
    own = _ops_for(builder, positions)
    if builder.training:
        # The lanes divide the channels: each sums the whole batch of its channels.
        lanes = min(-(-channels // own.grain), lanes_for(4 * builder.rows * builder.width))
        builder.forward.append(Op(own.forward, operands, lanes=lanes, grain=own.grain))
        builder.deltas.append(Op(own.backward, operands, lanes=lanes, grain=own.grain))
        builder.statistics.append(Op(ops.keep_statistics, operands, lanes=1, once=True))
    else:
        operands = replace(operands, **builder.take_scratch(channels))
        builder.forward.append(Op(own.running, operands))
        builder.deltas.append(Op(ops.running_backward, operands))
    text = f"momentum = {settings.momentum:g}, epsilon = {settings.epsilon:g}"
    builder.add_layer(name, "batch_norm", text, shape, 2 * channels, operands.y, of_below=True)
    builder.set_output(operands.y, shape)


class _Ops(NamedTuple):
    """The ops for a shape, and the channels that stay together in a lane."""

    forward: Kernel
    backward: Kernel
    running: Kernel
    grain: int


def _ops_for(builder: Builder, positions: int) -> _Ops:
    """The plain ops, or those by lines: of units side by side, or of the positions of a map."""
    if builder.plain:
        return _Ops(ops.batch_norm_forward, ops.batch_norm_backward, ops.running_forward, 1)
    if positions == 1:
        by_units = lines_ops.units_forward, lines_ops.units_backward, lines_ops.running_units
        return _Ops(*by_units, ALIGNMENT)
    return _Ops(lines_ops.maps_forward, lines_ops.maps_backward, lines_ops.running_maps, 1)


def _take(builder: Builder, size: int) -> int:
    """The offset in the scratch of `size` elements that all lanes share."""
    offset: int = builder.take_scratch(size, lanes=1)["scratch_at"]
    return offset


def _refuse_single_values(builder: Builder, name: str, positions: int) -> None:
    """Raise UsageError if a channel of the smallest batch has a single value, and so
    no variance.
    """
    if builder.smallest_batch is not None and builder.smallest_batch * positions < 2:
        raise UsageError(
            f"{builder.key}: {name} needs at least two values of each channel in every batch, and "
            "an epoch has a batch of one image, whose variance is 0; change training.batch_size, "
            "or set training.drop_last to true if the last batch alone is that small"
        )
