"""A convolution placed: by patches and BLAS, or by rows of its output."""

import math
from dataclasses import replace
from typing import Any, NamedTuple

from mnistlab.engine import choice
from mnistlab.engine.builder import Builder
from mnistlab.engine.params import aligned
from mnistlab.engine.passes import direct, layers
from mnistlab.engine.program import Op
from mnistlab.kernels import conv2d_direct


class ConvOps(NamedTuple):
    """The three ops of a convolution."""

    forward: Op
    backward_weights: Op
    backward_input: Op


def place_conv(builder: Builder, conv: Any) -> None:
    """A convolution, see the configuration's `conv`."""
    name = builder.numbered("conv")
    place = builder.patches(name, conv.kernel, conv.stride, conv.padding)
    shape = (conv.filters, place["rows"], place["columns"])
    weights = (conv.filters, place["channels"], conv.kernel, conv.kernel)
    fans = (place["channels"] * conv.kernel**2, conv.filters * conv.kernel**2)
    bias_shape = {"none": (), "shared": shape[:1], "per_position": shape}[conv.bias]
    biases = math.prod(bias_shape) if bias_shape else 0
    operands: dict[str, Any] = {
        **place,
        "y": builder.take_slot(math.prod(shape)),
        "filters": conv.filters,
        "weight": builder.add_tensor(name, "weight", weights, fans),
        "bias": builder.add_tensor(name, "bias", bias_shape, fans) if biases else 0,
        "biases": biases,
    }
    builder.work += math.prod(shape) * fans[0]
    operands |= {
        "lane_grads": aligned(math.prod(weights) + biases),
        "lane_grads_at": builder.lane_grads,
    }
    ops = _conv_ops(builder, conv, shape, operands)
    builder.forward.append(ops.forward)
    if builder.top != 0 or not builder.training:
        builder.deltas.append(ops.backward_input)
    if builder.training:
        builder.lane_grads += choice.MOST_LANES * operands["lane_grads"]
        builder.gradients.append(ops.backward_weights)
        builder.sums.append(Op(layers.sum_lane_grads, {**operands, "lanes": 1}))
    text = f"{conv.filters} filters {conv.kernel} × {conv.kernel}"
    builder.add_layer(name, "conv", text, shape, math.prod(weights) + biases, operands["y"])
    builder.rise(operands["y"], shape)


def _conv_ops(
    builder: Builder, conv: Any, shape: tuple[int, ...], operands: dict[str, Any]
) -> ConvOps:
    """A convolution by patches and BLAS, or by rows of output where that is quicker."""
    channels, height, width = builder.shape
    filters, rows, columns = shape
    patches = {**operands, **builder.take_scratch(channels * conv.kernel**2 * rows * columns)}
    forward = Op(layers.conv2d_forward, patches)
    backward_weights = Op(layers.conv2d_backward_weights, patches)
    backward_input = Op(layers.conv2d_backward_input, patches)
    if conv.padding == 0:
        if choice.convolves_by_rows(filters, rows, columns):
            stride = conv.stride
            size = channels * stride * height * -(-width // stride)
            taps = channels * conv.kernel**2
            operands = {**operands, "dealt": builder.take_slot(size) if stride > 1 else builder.top}
            room = builder.take_scratch((filters + conv2d_direct.FILTERS) * taps)
            operands |= builder.take_numbers(taps)
            forward = Op(direct.direct_forward, {**operands, **room})
            found = replace(forward, function=direct.find_places).having(lanes=1)
            builder.enter = (*builder.enter, found)
            if filters <= choice.MOST_FILTERS_BY_ROWS:
                room = builder.take_scratch(choice.backward_scratch(filters, taps, rows, columns))
                backward_weights = Op(direct.direct_backward_weights, {**operands, **room})
        if conv.stride == 1 and choice.convolves_by_rows(channels, height, width):
            border = 2 * (conv.kernel - 1)
            framed = filters * (rows + border) * (columns + border)
            taps = filters * conv.kernel**2
            room = builder.take_scratch(framed + (2 * channels + conv2d_direct.FILTERS) * taps)
            room |= builder.take_numbers(taps)
            backward_input = Op(direct.direct_backward_input, {**operands, **room})
            found = replace(backward_input, function=direct.find_places_back).having(lanes=1)
            builder.enter = (*builder.enter, found)
    return ConvOps(forward, backward_weights, backward_input)
