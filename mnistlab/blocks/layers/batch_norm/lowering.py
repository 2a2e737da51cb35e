"""Batch normalisation built: by the batch's statistics in training, by the running ones after."""

import math
from typing import Any

from mnistlab.blocks.layers.batch_norm import maths, ops
from mnistlab.runtime.builder import Builder
from mnistlab.runtime.lanes import lanes_for
from mnistlab.runtime.op import Op
from mnistlab.support.errors import UsageError


def build_batch_norm(builder: Builder, settings: Any) -> None:
    """Batch normalisation of each unit, or of each map of an image."""
    name, shape = builder.numbered("batch_norm"), builder.shape
    channels, positions = shape[0], math.prod(shape[1:])
    _refuse_single_values(builder, name, positions)
    fans = (channels, channels)
    operands = ops.BatchNormOperands(
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
    if builder.training:
        # The lanes divide the channels, so that each sums the whole batch of its own.
        lanes = min(channels, lanes_for(4 * builder.rows * builder.width))
        builder.forward.append(Op(ops.batch_norm_forward, operands, lanes=lanes))
        builder.deltas.append(Op(ops.batch_norm_backward, operands, lanes=lanes))
        builder.statistics.append(Op(ops.keep_statistics, operands, lanes=1, once=True))
    else:
        builder.forward.append(Op(ops.running_forward, operands))
        builder.deltas.append(Op(ops.running_backward, operands))
    text = f"momentum = {settings.momentum:g}, epsilon = {settings.epsilon:g}"
    builder.add_layer(name, "batch_norm", text, shape, 2 * channels, operands.y, of_below=True)
    builder.set_output(operands.y, shape)


def _refuse_single_values(builder: Builder, name: str, positions: int) -> None:
    """Raise UsageError where a channel of the smallest batch has one value: it has no variance."""
    if builder.smallest_batch is not None and builder.smallest_batch * positions < 2:
        raise UsageError(
            f"{builder.key}: {name} needs at least two values of each channel in every batch, and "
            "an epoch has a batch of one image, whose variance is 0; change training.batch_size, "
            "or set training.drop_last to true if the last batch alone is that small"
        )
