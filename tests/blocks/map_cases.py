"""Cases of the kernels of layers on maps: convolutions, pools and padding."""

from types import SimpleNamespace

import numpy as np
import pytest
from kernel_helpers import (
    normal,
)

from mnistlab.blocks.layers.conv2d import maths as conv2d
from mnistlab.blocks.layers.conv2d import without_patches, without_patches_gradient
from mnistlab.blocks.layers.dense import maths as dense
from mnistlab.blocks.layers.pad import maths as pad
from mnistlab.blocks.layers.pool2d import maths as pool2d
from mnistlab.blocks.layers.pool2d import pairs
from mnistlab.blocks.penalties import maths as penalties
from mnistlab.runtime.vectors import REGISTER

# side, stride, padding; n biases a filter of a convolution
CONVOLUTIONS = [(3, 1, 0, 1), (3, 2, 1, 0), (1, 1, 2, 1), (2, 3, 0, 0), (4, 2, 3, None)]


def _convolution(dtype, side, stride, padding, biases):
    """Two of four images: a lane's arrays are parts of larger ones."""
    rows, columns = (7 + 2 * padding - side) // stride + 1, (6 + 2 * padding - side) // stride + 1
    biases = rows * columns if biases is None else biases
    patches, positions = 2 * side * side, rows * columns
    return SimpleNamespace(
        x=normal((4, 2, 7, 6), dtype)[1:3],
        dx=normal((4, 2, 7, 6), dtype, 1)[1:3],
        y=normal((4, 3, rows, columns), dtype, 2)[1:3],
        dy=normal((4, 3, rows, columns), dtype, 3)[1:3],
        W=normal((3, 2, side, side), dtype, 4),
        dW=normal((5, 2, side, side), dtype, 5)[1:4],
        b=normal((3, biases), dtype, 6),
        db=normal((5, biases), dtype, 7)[1:4],
        scratch=normal(patches * positions + 16, dtype, 8),
        P=normal((patches + 2, positions), dtype, 9)[1:-1],
        dP=normal((patches, positions), dtype, 10),
        place=(side, rows, columns, stride, padding),
        step=(stride, padding),
    )


def convolution_cases():
    def case(kernel, numbers, choose):
        name = " ".join([kernel.__name__, *map(str, numbers)])
        return pytest.param(kernel, lambda dtype: choose(_convolution(dtype, *numbers)), id=name)

    for numbers in CONVOLUTIONS:
        yield case(conv2d.patches, numbers, lambda m: (m.x[0], m.P, *m.place))
        yield case(conv2d.add_patches, numbers, lambda m: (m.dP, m.dx[0], *m.place))
        yield case(conv2d.patch_matrix, numbers, lambda m: (m.scratch, m.W, m.y[0]))
        yield case(
            conv2d.conv2d_forward, numbers, lambda m: (m.x, m.W, m.b, m.y, m.scratch, *m.step)
        )
        yield case(
            conv2d.conv2d_backward_weights,
            numbers,
            lambda m: (m.x, m.dy, m.dW, m.db, m.scratch, *m.step),
        )
        yield case(
            conv2d.conv2d_backward_input, numbers, lambda m: (m.dy, m.W, m.dx, m.scratch, *m.step)
        )
    for numbers in [(5, 7, 0, 1), (5, 7, -3, 2), (5, 7, 4, 3), (2, 3, -9, 2), (4, 2, 3, 1)]:
        yield pytest.param(conv2d.inside, lambda dtype, n=numbers: n, id=f"inside {numbers}")


def pooling_cases():
    def case(kernel, name, make):
        return pytest.param(kernel, make, id=f"{kernel.__name__} {name}")

    for size, stride in [(2, 2), (3, 1), (2, 3)]:
        name = f"{size} {stride}"
        above = (4, 2, (7 - size) // stride + 1, (8 - size) // stride + 1)

        def x(dtype, seed=0):
            return np.round(normal((4, 2, 7, 8), dtype, seed), 1)[1:3]  # with ties

        def y(dtype, seed=1, above=above):
            return normal(above, dtype, seed)[1:3]

        numbers = (size, stride)
        max_forward, max_backward = pool2d.max_pool_forward, pool2d.max_pool_backward
        forward, backward = pool2d.average_pool_forward, pool2d.average_pool_backward
        yield case(max_forward, name, lambda t, y=y, n=numbers: (x(t), y(t), *n))
        yield case(max_backward, name, lambda t, y=y, n=numbers: (x(t), y(t), x(t, 2), *n))
        yield case(forward, name, lambda t, y=y, n=numbers: (x(t), y(t), *n))
        yield case(backward, name, lambda t, y=y, n=numbers: (y(t), x(t, 2), *n))
        yield case(pool2d.largest, name, lambda t, n=numbers: (x(t)[0, 1], n[1], 2, n[0]))


def pad_cases():
    small, large = (2, 3, 5, 4), (2, 3, 9, 8)
    yield pytest.param(pad.pad, lambda t: (normal(small, t), 2, -0.3, np.empty(large, t)), id="pad")
    yield pytest.param(
        pad.pad_backward, lambda t: (normal(large, t), 2, np.empty(small, t)), id="pad backward"
    )


def by_rows_cases():
    """Cases of the convolution by rows of output, and of other fast kernels."""
    yield pytest.param(
        without_patches_gradient.bias_gradient,
        lambda t: (normal((2, 3, 20), t), normal((3, 1), t)),
        id="a shared bias by rows",
    )
    yield pytest.param(
        without_patches_gradient.bias_gradient,
        lambda t: (normal((2, 3, 20), t), normal((3, 20), t)),
        id="a bias of each position by rows",
    )
    yield pytest.param(
        without_patches.turn_filters,
        lambda t: (normal((3, 2, 4, 4), t), normal((2, 3, 4, 4), t)),
        id="filters turned round",
    )
    yield pytest.param(
        without_patches.frame,
        lambda t: (normal((2, 3, 4), t), normal((2, 1, 7, 8), t, 1), 2),
        id="a frame of zeros",
    )
    for height, width in [(4, 6), (7, 9), (3, 2 * REGISTER + 5)]:
        maps, name = 3, f"{height} {width}"

        def x(t, seed=0, size=maps * height * width):
            return np.round(normal(size, t, seed), 1)  # with ties

        def y(t, seed=1, size=maps * (height // 2) * (width // 2)):
            return normal(size, t, seed)

        def up(t, x=x, y=y, sizes=(maps, height, width)):
            return x(t), y(t), *sizes

        def down(t, x=x, y=y, sizes=(maps, height, width)):
            return x(t), y(t), x(t, 2), *sizes

        def share(t, x=x, y=y, sizes=(maps, height, width)):
            return y(t), x(t, 2), *sizes

        def left_out(t, x=x, sizes=(maps, height, width)):
            return x(t), *sizes

        yield pytest.param(pairs.max_pool_forward_2, up, id=f"max pool of pairs {name}")
        yield pytest.param(pairs.max_pool_backward_2, down, id=f"its gradient {name}")
        yield pytest.param(pairs.average_pool_forward_2, up, id=f"mean of pairs {name}")
        yield pytest.param(
            pairs.average_pool_backward_2, share, id=f"its gradient {name} by shares"
        )
        yield pytest.param(pairs.clear_left_out, left_out, id=f"what is left out {name}")
    for pixels in (4 * REGISTER - 1, 4 * REGISTER):
        yield pytest.param(
            pairs.fits, lambda t, n=pixels: (n, REGISTER, 2 * REGISTER), id=f"fits {pixels}"
        )
    yield pytest.param(pairs.row_of, lambda t: (normal(40, t), 3, 2, 9), id="a row of patches")
    for column in (0, REGISTER):
        yield pytest.param(
            pairs.begin_of, lambda t, q=column: (q, REGISTER + 3), id=f"begins at {column}"
        )
    for keep in (0.0, 1.0):
        yield pytest.param(
            dense.bias_gradient,
            lambda t, keep=keep: (normal((7, 5), t), normal(5, t, 1), keep),
            id=f"dense bias, {keep} kept",
        )
    yield pytest.param(
        penalties.penalty_descent,
        lambda t: (normal(33, t), 0.01, 0.02),
        id="penalty descent",
    )
