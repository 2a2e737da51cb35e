"""Cases of the convolution by rows, and of pools of pairs, for the comparison with interpreted."""

import numpy as np
import pytest
from kernel_helpers import normal

from mnistlab.kernels import conv2d_direct, pool2d
from mnistlab.kernels.conv2d_direct import direct_backward_weights, direct_forward
from mnistlab.kernels.jit import kernel

# filters, rows, columns, side, biases of a filter
CONVOLUTIONS = [(4, 2, 3, 2, 1), (9, 5, 17, 3, 85), (8, 3, 16, 1, 0)]
IMAGES, CHANNELS = 2, 3


@kernel
def forward(x, W, b, y, channels, width, filters, rows, columns, side):
    direct_forward(x, W, b, y, channels, width, filters, rows, columns, side, 16)


@kernel
def backward_weights(x, dy, dW, images, channels, width, filters, rows, columns, side):
    direct_backward_weights(x, dy, dW, images, channels, width, filters, rows, columns, side, 16)


def direct_cases():
    def case(kernel, name, make):
        return pytest.param(kernel, make, id=f"{kernel.__name__} {name}")

    for filters, rows, columns, side, biases in CONVOLUTIONS:
        name = f"{filters} {rows} {columns} {side} {biases}"
        wide = columns + side - 1
        taps, pixels = CHANNELS * side**2, CHANNELS * (rows + side - 1) * wide
        sizes = CHANNELS, wide, filters, rows, columns, side
        positions = rows * columns

        def image(t, pixels=pixels):
            return normal(IMAGES * pixels, t)

        def weights(t, seed, size=filters * taps):
            return normal(size + 7, t, seed)[:size]

        def above(t, seed, size=filters * positions):
            return normal(IMAGES * size, t, seed)

        def up(t, sizes=sizes, image=image, weights=weights, above=above, n=filters * biases):
            return image(t), weights(t, 1), normal(n, t, 2), above(t, 3), *sizes

        def down(t, sizes=sizes, image=image, weights=weights, above=above):
            return image(t), above(t, 3), weights(t, 4), IMAGES, *sizes

        def bias(t, shape=(IMAGES, filters, positions), biases=biases):
            return normal(shape, t), normal((shape[1], biases), t, 1)

        def turned(t, filters=filters, side=side):
            W = normal((filters, CHANNELS, side, side), t)
            return W, np.empty(W.swapaxes(0, 1).shape, t)

        def framed(t, rows=rows, columns=columns, side=side):
            size = CHANNELS, rows + 2 * side, columns + 2 * side
            return normal((CHANNELS, rows, columns), t), normal(size, t, 1), side

        yield case(forward, name, up)
        if filters >= conv2d_direct.FILTERS_BACKWARD:
            yield case(backward_weights, name, down)
        yield case(conv2d_direct.bias_gradient, name, bias)
        yield case(conv2d_direct.turn_filters, name, turned)
        yield case(conv2d_direct.frame, name, framed)
    for height, width in [(4, 6), (7, 9)]:
        shape = 2, 3, height, width

        def x(t, seed=0, shape=shape):
            return np.round(normal(shape, t, seed), 1)  # with ties

        def y(t, seed=1, shape=shape):
            return normal((*shape[:2], shape[2] // 2, shape[3] // 2), t, seed)

        name = f"{height} {width}"
        yield case(pool2d.max_pool_forward_2, name, lambda t, x=x, y=y: (x(t), y(t)))
        yield case(pool2d.max_pool_backward_2, name, lambda t, x=x, y=y: (x(t), y(t), x(t, 2)))
