"""Lowers batch normalisation: with the batch's statistics in training, with the
running ones after.
"""

import math
from dataclasses import replace
from typing import Any

from mnistlab.blocks.layers.batch_norm import lines, lines_ops, maths, ops
from mnistlab.blocks.layers.batch_norm.lines_ops import LinesOperands
from mnistlab.runtime.builder import Builder
from mnistlab.runtime.lanes import lanes_for
from mnistlab.runtime.op import Op
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
        statistics=builder.take_scratch(maths.STATISTICS * channels, lanes=1)["scratch_at"],
        momentum=settings.momentum,
        epsilon=settings.epsilon,
        sends=not builder.on_image,
    )
    if not builder.training:
        _running(builder, operands)
    elif builder.plain:
        _plain(builder, operands)
    else:
        _by_lines(builder, operands)
    text = f"momentum = {settings.momentum:g}, epsilon = {settings.epsilon:g}"
    builder.add_layer(name, "batch_norm", text, shape, 2 * channels, operands.y, of_below=True)
    builder.set_output(operands.y, shape, overwritable=True)


def _plain(builder: Builder, operands: LinesOperands) -> None:
    """Lanes divide the channels: each sums the whole batch of its channels."""
    lanes = min(operands.channels, lanes_for(4 * builder.rows * builder.width))
    builder.forward.append(Op(ops.batch_norm_forward, operands, lanes=lanes))
    builder.deltas.append(Op(ops.batch_norm_backward, operands, lanes=lanes))
    builder.statistics.append(Op(ops.keep_statistics, operands, lanes=1, once=True))


def _by_lines(builder: Builder, operands: LinesOperands) -> None:
    """Lanes divide the images; between two launches their parts are combined."""
    own = replace(operands, **builder.take_scratch(lines.PART * operands.channels))
    builder.forward += [
        Op(lines_ops.part_statistics, own),
        Op(lines_ops.combine_statistics, own, lanes=1),
        Op(lines_ops.forward, own),
    ]
    # In the order of the layers: they run in reverse order.
    builder.deltas += [Op(lines_ops.backward_input, own)] if own.sends else []
    builder.deltas.append(Op(lines_ops.combine_gradients, own, lanes=1))
    builder.deltas.append(Op(lines_ops.part_gradients, own))
    builder.statistics.append(Op(ops.keep_statistics, own, lanes=1, once=True))


def _running(builder: Builder, operands: LinesOperands) -> None:
    """By the running statistics, image by image."""
    own = replace(operands, **builder.take_scratch(operands.channels))
    by_lines = lines_ops.running_units if own.positions == 1 else lines_ops.running_maps
    builder.forward.append(Op(ops.running_forward if builder.plain else by_lines, own))
    builder.deltas.append(Op(ops.running_backward, own))


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
