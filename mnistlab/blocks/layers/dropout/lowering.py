"""Lowers dropout: in evaluation, and for a rate of 0, it adds no op."""

from mnistlab.blocks.layers.dropout import ops
from mnistlab.runtime.builder import Builder
from mnistlab.runtime.op import Op


def build_dropout(builder: Builder, rate: float) -> None:
    """Build dropout with this rate."""
    if rate == 0:
        return
    name, text = builder.numbered("dropout"), f"rate = {rate:g}"
    if not builder.training:
        builder.add_layer(name, "dropout", text, builder.shape, 0, builder.top)
        return
    operands = ops.DropoutOperands(
        x=builder.top,
        y=builder.take_slot(builder.width),
        inputs=builder.width,
        rate=rate,
        seed=builder.seed,
        stream=builder.counts["dropout"],
        behind_relu=builder.behind_relu,
    )
    builder.forward.append(Op(ops.dropout_forward, operands))
    if not builder.on_image:  # in training, the images need no gradient
        builder.deltas.append(Op(ops.dropout_backward, operands))
    builder.add_layer(name, "dropout", text, builder.shape, 0, operands.y)
    builder.top = operands.y
    builder.nonzero *= 1 - rate
