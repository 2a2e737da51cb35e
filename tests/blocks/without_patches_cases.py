"""Cases of the convolution by rows, and of pools of pairs, for the comparison with interpreted."""

import numpy as np
import pytest
from kernel_helpers import normal

from mnistlab.blocks.layers.conv2d import without_patches, without_patches_gradient
from mnistlab.runtime.vectors import REGISTER

# filters, rows, columns beyond those of a register, side, stride, biases: none, shared, or each
CONVOLUTIONS = [(4, 2, 0, 2, 1, "shared"), (9, 5, 1, 3, 2, "per_position"), (8, 3, 9, 1, 1, "none")]
IMAGES, CHANNELS = 2, 3


class Convolution:
    """The sizes of a convolution, and the arguments of its kernels besides x, W and dy."""

    def __init__(self, channels, filters, height, width, side, stride):
        self.filters, self.stride, self.height, self.side = filters, stride, height, side
        self.rows, self.columns = (height - side) // stride + 1, (width - side) // stride + 1
        self.wide, self.taps = -(-width // stride), channels * side * side
        self.size = channels * stride * height * self.wide
        self.places = np.zeros(self.taps, np.uint32)
        without_patches.tap_offsets.py_func(channels, height, self.wide, side, stride, self.places)
        self.scratch = without_patches_gradient.backward_scratch(
            filters, self.taps, self.rows, self.columns
        )
        self.packed = -(-filters // without_patches.FILTERS) * without_patches.FILTERS * self.taps

    def up(self, x, packed, b, y):
        """The arguments of `forward_without_patches`."""
        sizes = self.wide, self.filters, self.rows, self.columns, self.stride
        return x, self.places, packed, b, y, *sizes

    def down(self, x, dy, dW, images, scratch):
        """Those of `backward_weights_without_patches`."""
        sizes = self.wide, self.filters, self.rows, self.columns, self.stride
        return x, self.places, dy, dW, images, self.size, *sizes, scratch


def without_patches_cases():
    def case(kernel, name, make):
        return pytest.param(kernel, make, id=f"{kernel.__name__} {name}")

    for filters, rows, more, side, stride, biases in CONVOLUTIONS:
        name = f"{filters} {rows} {more} {side} {stride} {biases}"
        columns = REGISTER + more
        height, width = (rows - 1) * stride + side, (columns - 1) * stride + side
        conv = Convolution(CHANNELS, filters, height, width, side, stride)
        positions = rows * columns
        each = {"none": 0, "shared": 1, "per_position": positions}[biases]

        def up(t, conv=conv, n=filters * each, out=filters * positions):
            return conv.up(
                normal(conv.size, t), normal(conv.packed, t, 1), normal(n, t, 2), normal(out, t, 3)
            )

        def down(t, conv=conv, out=filters * positions):
            return conv.down(
                normal(IMAGES * conv.size, t),
                normal(IMAGES * out, t, 1),
                normal(conv.filters * conv.taps, t, 2),
                IMAGES,
                normal(conv.scratch, t, 3),
            )

        def places(t, conv=conv):
            places = np.zeros(conv.taps, np.uint32)
            return CHANNELS, conv.height, conv.wide, conv.side, conv.stride, places

        def packed(t, conv=conv):
            W = normal(conv.filters * conv.taps, t)
            return W, conv.filters, conv.taps, normal(conv.packed, t, 1)

        def deltas(t, conv=conv, positions=positions):
            filters = without_patches_gradient.FILTERS_BACKWARD
            pieces = without_patches_gradient.pieces_of.py_func(conv.columns)
            made = normal(conv.rows * pieces * filters * REGISTER, t, 1)
            return normal(filters * positions, t), positions, conv.rows, conv.columns, made

        def products(t, conv=conv, deltas=deltas):
            x, *_, made = normal(conv.size, t), *deltas(t)
            sums = normal(14 * REGISTER, t, 2)
            down = conv.stride * conv.wide
            return x, 1, 0, 2, 1, conv.size, down, made, conv.rows, conv.columns, sums, REGISTER

        def framed(t, conv=conv, width=width, border=side):
            wide = -(-(width + 2 * border) // conv.stride)
            shape = CHANNELS, conv.stride, conv.height + 2 * border, wide
            return normal((CHANNELS, conv.height, width), t), normal(shape, t, 1), border

        def bias(t, shape=(IMAGES, filters, positions), biases=each):
            return normal(shape, t), normal((shape[1], biases), t, 1)

        def turned(t, filters=filters, side=side):
            W = normal((filters, CHANNELS, side, side), t)
            return W, np.empty(W.swapaxes(0, 1).shape, t)

        yield case(without_patches.tap_offsets, name, places)
        yield case(without_patches.pack_filters, name, packed)
        yield case(without_patches.frame, name, framed)
        yield case(without_patches.forward_without_patches, name, up)
        if filters >= without_patches_gradient.FILTERS_BACKWARD:
            yield case(
                without_patches_gradient.pieces_of, name, lambda t, conv=conv: (conv.columns,)
            )
            yield case(without_patches_gradient.pack_deltas, name, deltas)
            yield case(without_patches_gradient.add_products, name, products)
            yield case(without_patches_gradient.backward_weights_without_patches, name, down)
        yield case(without_patches_gradient.bias_gradient, name, bias)
        yield case(without_patches.turn_filters, name, turned)
