"""Lowers padding by a value."""

import math
from typing import Any

from mnistlab.blocks.layers.pad import ops
from mnistlab.runtime.builder import Builder
from mnistlab.runtime.op import Op


def build_pad(builder: Builder, pad: Any) -> None:
    """Build a border, see the configuration's `pad`."""
    name = builder.numbered("pad")
    channels, height, width = builder.image(name)
    shape = (channels, height + 2 * pad.size, width + 2 * pad.size)
    operands = ops.PadOperands(
        x=builder.top,
        y=builder.take_slot(math.prod(shape)),
        channels=channels,
        height=height,
        width=width,
        size=pad.size,
        value=pad.value,
    )
    on_image = builder.on_image
    builder.forward.append(Op(ops.pad_forward, operands))
    if not on_image or not builder.training:  # in training, the images need no gradient
        builder.deltas.append(Op(ops.pad_backward, operands))
    builder.add_layer(name, "pad", f"{pad.size} × {pad.value:g}", shape, 0, operands.y)
    builder.set_output(operands.y, shape)
    builder.on_image = on_image
