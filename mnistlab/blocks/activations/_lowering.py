"""Lowers activations: a forward op and a backward op, the same for all."""

from mnistlab.blocks.activations import ActivationBlock
from mnistlab.blocks.activations import _ops as ops
from mnistlab.runtime.builder import Builder
from mnistlab.runtime.op import Called, Op


def build_elementwise(builder: Builder, activation: ActivationBlock) -> None:
    """Build an activation of every value."""
    x, inputs = builder.top, builder.width
    in_place = activation.in_place and builder.overwritable == x
    in_place = in_place and builder.training and not builder.plain
    y = x if in_place else builder.take_slot(inputs)
    first, second = activation.parameters
    piece = builder.take_scratch(ops.PIECE) if in_place else {}

    def operands(called: Called) -> ops.ActivationOperands:
        return ops.ActivationOperands(
            x=x, y=y, inputs=inputs, first=first, second=second, kernel=called, **piece
        )

    forward = ops.called_forward(activation.forward)
    backward = ops.called_backward(activation.backward)
    builder.forward.append(Op(ops.activation_forward, operands(forward)))
    builder.deltas.append(Op(ops.activation_backward, operands(backward)))
    builder.add_layer(
        activation.type, "activation", activation.text, builder.shape, 0, y, activation
    )
    builder.set_output(y, builder.shape)
    if activation.leaves_zeros:
        builder.behind_relu, builder.nonzero = True, 0.5


def build_softmax(builder: Builder, activation: ActivationBlock) -> None:
    """Build a softmax over the values of a row."""
    operands = ops.SoftmaxOperands(
        x=builder.top, y=builder.take_slot(builder.width), inputs=builder.width
    )
    builder.forward.append(Op(ops.softmax_forward, operands))
    builder.deltas.append(Op(ops.softmax_backward, operands))
    builder.add_layer(activation.type, "activation", "", builder.shape, 0, operands.y, activation)
    builder.top = operands.y
