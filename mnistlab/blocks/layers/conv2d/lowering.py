"""Lowers a convolution, with the kernels that choice.py selects."""

import math
from typing import Any

from mnistlab.blocks.layers.conv2d import ops
from mnistlab.blocks.layers.conv2d.choice import (
    Kernels,
    forward_kernels,
    input_gradient_kernels,
    weights_gradient_kernels,
)
from mnistlab.blocks.layers.conv2d.kernel_ops import FORWARD, INPUT_GRADIENT, WEIGHTS_GRADIENT
from mnistlab.blocks.layers.conv2d.ops import ConvOperands
from mnistlab.runtime.builder import Builder
from mnistlab.runtime.lanes import MOST_LANES
from mnistlab.runtime.op import Op
from mnistlab.runtime.params import aligned
from mnistlab.support.errors import UsageError


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
    of_forward, of_weights, of_inputs = _kernels(builder, operands)
    builder.forward.append(FORWARD[of_forward](builder, operands))
    if not builder.on_image or not builder.training:  # in training, images need no gradient
        builder.deltas.append(INPUT_GRADIENT[of_inputs](builder, operands))
    if builder.training:
        builder.lane_grads += MOST_LANES * operands.lane_grads
        builder.gradients.append(WEIGHTS_GRADIENT[of_weights](builder, operands))
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


def _kernels(builder: Builder, operands: ConvOperands) -> tuple[Kernels, Kernels, Kernels]:
    """The kernels of the forward pass, of the weights' gradient and of the inputs'."""
    if builder.plain:
        return Kernels.PATCHES, Kernels.PATCHES, Kernels.PATCHES
    return (
        forward_kernels(operands, builder.rows),
        weights_gradient_kernels(operands, builder.rows),
        input_gradient_kernels(operands, builder.rows),
    )
