"""Every kernel gives the same results interpreted and compiled, in both dtypes."""

import importlib
import inspect
import pkgutil
from types import SimpleNamespace

import numpy as np
import pytest
from augmentation_cases import augmentation_cases
from batch_norm_cases import batch_norm_cases
from few_outputs_cases import few_outputs_cases
from fewer_products_cases import fewer_products_cases
from kernel_helpers import (
    DTYPES,
    assert_interpreted_equals_compiled,
    labels_for,
    normal,
    run_interpreted,
)
from shared_input_cases import shared_input_cases
from side_by_side_cases import side_by_side_cases
from sparse_cases import sparse_hidden_cases, sparse_input_cases
from without_patches_cases import without_patches_cases

import mnistlab.blocks
import mnistlab.runtime
from mnistlab.blocks.activations import ELEMENTWISE
from mnistlab.blocks.activations import softmax as softmax_block
from mnistlab.blocks.layers.conv2d import maths as conv2d
from mnistlab.blocks.layers.conv2d import without_patches
from mnistlab.blocks.layers.dense import maths as dense
from mnistlab.blocks.layers.dropout import maths as dropout
from mnistlab.blocks.layers.pad import maths as pad
from mnistlab.blocks.layers.pool2d import maths as pool2d
from mnistlab.blocks.layers.pool2d import pairs
from mnistlab.blocks.losses import _head, mse
from mnistlab.blocks.losses import _taught as taught
from mnistlab.blocks.losses import binary_cross_entropy as bce
from mnistlab.blocks.losses import cross_entropy as ce
from mnistlab.blocks.optimizers import _clip, adadelta, adagrad, adam, adamw, rmsprop, sgd
from mnistlab.blocks.penalties import maths as penalties
from mnistlab.runtime import parts, random
from mnistlab.runtime.dither import PENALTY, dither_of
from mnistlab.runtime.kernel import Kernel
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.options import FAST_MATH
from mnistlab.runtime.vectors import REGISTER

BATCH, INPUTS, OUTPUTS = 7, 6, 5


def _matrices(dtype):
    """x, W, b, y, dx, dW, db, dy of a dense layer."""
    shapes = {
        "x": (BATCH, INPUTS),
        "W": (INPUTS, OUTPUTS),
        "b": (OUTPUTS,),
        "y": (BATCH, OUTPUTS),
        "dy": (BATCH, OUTPUTS),
        "dx": (BATCH, INPUTS),
        "dW": (INPUTS, OUTPUTS),
        "db": (OUTPUTS,),
    }
    made = {name: normal(shape, dtype, seed) for seed, (name, shape) in enumerate(shapes.items())}
    return SimpleNamespace(**made)


def _dense_cases():
    def case(kernel, name, choose):
        return pytest.param(kernel, lambda dtype: choose(_matrices(dtype)), id=name)

    forward, weights, down = (
        dense.dense_forward,
        dense.dense_backward_weights,
        dense.dense_backward_input,
    )
    yield case(forward, "dense forward", lambda m: (m.x, m.W, m.b, m.y))
    yield case(forward, "dense forward without bias", lambda m: (m.x, m.W, m.b[:0], m.y))
    yield case(
        forward,
        "dense forward of a block of columns",
        lambda m: (m.x, m.W[:, 1:4], m.b[1:4], m.y[:, 1:4]),
    )
    yield case(weights, "dense weights", lambda m: (m.x, m.dy, m.dW, m.db))
    yield case(weights, "dense weights without bias", lambda m: (m.x, m.dy, m.dW, m.db[:0]))
    yield case(
        weights,
        "dense weights of a block of inputs",
        lambda m: (m.x[:, 2:5], m.dy, m.dW[2:5], m.db),
    )
    for keep in (0.0, 0.5):
        yield case(
            dense.bias_gradient,
            f"dense bias, {keep} of before",
            lambda m, keep=keep: (m.dy, m.db, keep),
        )
    yield case(down, "dense input", lambda m: (m.dy, m.W, m.dx))
    yield case(down, "dense input of a block of columns", lambda m: (m.dy, m.W[2:5], m.dx[:, 2:5]))


def _activation_cases():
    for name, rule in ELEMENTWISE.blocks.items():

        def forward(dtype):
            return normal(200, dtype, scale=4), (0.3, 1.6), np.empty(200, dtype)

        def backward(dtype, rule=rule):
            x, parameters, y = forward(dtype)
            run_interpreted(rule.forward, x, parameters, y)
            return x, y, parameters, normal(200, dtype, 1), np.empty(200, dtype)

        yield pytest.param(rule.forward, forward, id=f"{name} forward")
        yield pytest.param(rule.backward, backward, id=f"{name} backward")


def _loss_cases():
    labels = labels_for(BATCH, OUTPUTS)

    def z(dtype):
        return normal((BATCH, OUTPUTS), dtype, scale=3)

    def empty(dtype):
        return np.empty((BATCH, OUTPUTS), dtype)

    def case(kernel, make):
        return pytest.param(kernel, make, id=kernel.__name__)

    yield case(softmax_block.softmax_forward, lambda t: (z(t), empty(t)))
    yield case(
        softmax_block.softmax_backward, lambda t: (z(t), normal((BATCH, OUTPUTS), t, 5), empty(t))
    )
    yield case(ce.cross_entropy_loss, lambda t: (z(t), labels, 0.1, np.empty(BATCH)))
    yield case(ce.cross_entropy_backward, lambda t: (z(t), labels, 0.1, 0.25, empty(t)))
    p = np.full(OUTPUTS, 1 / OUTPUTS)
    yield case(taught.taught_loss, lambda t: (z(t)[0], p.astype(t), 3.0))
    yield case(
        taught.taught_backward, lambda t: (z(t)[0], p.astype(t), 3.0, 0.25, np.zeros(OUTPUTS, t))
    )
    yield case(bce.binary_cross_entropy_loss, lambda t: (z(t), 0.7, labels, np.empty(BATCH)))
    yield case(bce.binary_cross_entropy_backward, lambda t: (z(t), 0.7, labels, 0.25, empty(t)))
    yield case(mse.squared_error_loss, lambda t: (z(t), labels, -1.0, np.empty(BATCH)))
    yield case(mse.squared_error_backward, lambda t: (z(t), labels, -1.0, 0.25, empty(t)))


def _update_cases():
    def case(kernel, states, *hyperparameters):
        def make(dtype):
            arrays = [normal(300, dtype, seed) for seed in range(2)]
            arrays += [np.abs(normal(300, dtype, 5 + seed)) for seed in range(states)]
            return (*arrays, *hyperparameters)

        name = " ".join([kernel.__name__, *map(str, hyperparameters)])
        return pytest.param(kernel, make, id=name)

    yield case(sgd.sgd_update, 0, 0.1)
    for kernel in (sgd.momentum_update, sgd.momentum_step_update):
        for nesterov in (False, True):
            yield case(kernel, 1, 0.1, 0.9, nesterov)
    for t in (1, 1000):
        yield case(adam.adam_update, 2, 0.01, 0.9, 0.999, 1e-8, t)
    yield case(rmsprop.rmsprop_update, 1, 0.01, 0.99, 1e-8)
    yield case(adagrad.adagrad_update, 1, 0.01, 1e-8)
    yield case(adadelta.adadelta_update, 2, 1.0, 0.9, 1e-6)

    def dithered(kernel, states, *hyperparameters):
        def make(dtype):
            arrays = [normal(300, dtype, seed) for seed in range(2)]
            arrays += [np.abs(normal(300, dtype, 5 + seed)) for seed in range(states)]
            return (*arrays, *hyperparameters, dither_of(arrays[0], 7, 20, PENALTY))

        return pytest.param(kernel, make, id=f"{kernel.__name__} dithered")

    yield dithered(sgd.sgd_update, 0, 1e-9)
    for kernel in (sgd.momentum_update, sgd.momentum_step_update):
        yield dithered(kernel, 1, 1e-9, 0.9, False)
    yield dithered(adam.adam_update, 2, 1e-9, 0.9, 0.999, 1e-8, 3)
    yield dithered(rmsprop.rmsprop_update, 1, 1e-9, 0.99, 1e-8)
    yield dithered(adagrad.adagrad_update, 1, 1e-9, 1e-8)
    yield dithered(adadelta.adadelta_update, 2, 1e-9, 0.9, 1e-6)

    def weights(dtype):
        return normal(300, dtype) * (np.arange(300) % 3 > 0)

    def alone(kernel, make):
        return pytest.param(kernel, make, id=kernel.__name__)

    yield alone(adamw.weight_decay, lambda t: (weights(t), 0.1, 0.05))
    yield alone(penalties.penalty_gradient, lambda t: (weights(t), 0.1, 0.2, normal(300, t, 1)))
    yield alone(penalties.signed, lambda t: (t(0.1), t(-3)))
    yield alone(penalties.penalty_step, lambda t: (weights(t), 0.1, 0.2, np.empty(300, t)))
    yield alone(penalties.penalty_descent, lambda t: (weights(t), 0.1, 0.2))
    for square in (0.0, 5.0, np.inf, np.nan):
        yield pytest.param(
            penalties.norm_factor, lambda t, s=square: (t(s), 0.7), id=f"norm_factor {square}"
        )
    yield alone(_clip.clip_elements, lambda t: (normal(300, t), 0.5))
    yield alone(_clip.sum_of_squares, lambda t: (np.round(normal(300, t, scale=9)),))
    for bound in (1.0, 1e3):
        yield pytest.param(
            _clip.scale_to_norm,
            lambda t, bound=bound: (normal(300, t), np.array([3.0, 0.0, 9.0]), bound),
            id=f"scale_to_norm {bound}",
        )
    yield alone(
        penalties.limit_columns, lambda t: (weights(t), 20, 5, 6, 11, 3, 2.7, np.zeros(3, t))
    )
    yield alone(penalties.limit_rows, lambda t: (weights(t), 20, 3.7))
    yield alone(penalties.soft_threshold, lambda t: (weights(t), 0.5))


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


def _convolution_cases():
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


def _pooling_cases():
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


def _pad_cases():
    small, large = (2, 3, 5, 4), (2, 3, 9, 8)
    yield pytest.param(pad.pad, lambda t: (normal(small, t), 2, -0.3, np.empty(large, t)), id="pad")
    yield pytest.param(
        pad.pad_backward, lambda t: (normal(large, t), 2, np.empty(small, t)), id="pad backward"
    )


def _random_cases():
    highest = 2**32 - 1
    for number in (0, 1, 0x12345678, 2**31, highest):
        yield pytest.param(random.hash32, lambda t, n=number: (n,), id=f"hash32 {number}")
    for numbers in [(0, 0, 0, 0), (7, 4, 100, 1), (2**63 - 1, 3, 2**40 + 5, 1), (2**32, 1, 9, 0)]:
        yield pytest.param(random.stream_key, lambda t, n=numbers: n, id=f"stream_key {numbers}")
    for numbers in [(0, 0, 0), (1, 2, 3), (highest, highest, highest), (5, highest, 2**40)]:
        yield pytest.param(random.random32, lambda t, n=numbers: n, id=f"random32 {numbers}")
    for rate in (0.0, 0.4, 0.999):
        yield pytest.param(
            dropout.dropout,
            lambda t, rate=rate: (normal(300, t), rate, highest, 77, 2**32 - 100, normal(300, t)),
            id=f"dropout {rate}",
        )

    def by_output(dtype):
        y = np.where(np.arange(300) % 3 == 0, 0, normal(300, dtype)).astype(dtype)
        return y, normal(300, dtype, 1), 0.4, normal(300, dtype, 2)

    yield pytest.param(dropout.dropout_backward_by_output, by_output, id="dropout by output")


def _by_rows_cases():
    """Cases of the convolution by rows of output, and of other fast kernels."""
    yield pytest.param(
        without_patches.bias_gradient,
        lambda t: (normal((2, 3, 20), t), normal((3, 1), t)),
        id="a shared bias by rows",
    )
    yield pytest.param(
        without_patches.bias_gradient,
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
        lambda t: (normal((2, 3, 4), t), normal((2, 7, 8), t), 2),
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


def _part_cases():
    for numbers in [(10, 3, 0), (10, 3, 2), (7, 1, 0)]:
        yield pytest.param(parts.share, lambda t, n=numbers: n, id=f"share {numbers}")
    yield pytest.param(_head.largest, lambda t: (normal(9, t),), id="largest output")


CASES = [
    *_part_cases(),
    *_by_rows_cases(),
    *without_patches_cases(),
    *_dense_cases(),
    *_convolution_cases(),
    *_pooling_cases(),
    *_pad_cases(),
    *_activation_cases(),
    *batch_norm_cases(),
    *sparse_input_cases(),
    *sparse_hidden_cases(),
    *few_outputs_cases(),
    *shared_input_cases(),
    *side_by_side_cases(),
    *fewer_products_cases(),
    *_random_cases(),
    *augmentation_cases(),
    *_loss_cases(),
    *_update_cases(),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("kernel", "make"), CASES)
def test_a_kernel_is_the_same_interpreted_and_compiled(kernel, make, dtype):
    assert_interpreted_equals_compiled(kernel, lambda: make(dtype))


def is_of_ops(kernel):
    """Whether a kernel works on an op's operands or the engine's memory, not on arrays alone."""
    parameters = inspect.signature(kernel.py_func).parameters
    return "op" in parameters or any(each.annotation is Memory for each in parameters.values())


def kernels_of(package):
    """The kernels of a package that work on arrays and numbers; ops are tested by training."""
    for file in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        for value in vars(importlib.import_module(file.name)).values():
            if isinstance(value, Kernel) and not is_of_ops(value):
                yield value


def test_no_kernel_is_left_out():
    kernels = {*kernels_of(mnistlab.runtime), *kernels_of(mnistlab.blocks)}
    left_out = kernels - {case.values[0] for case in CASES}
    assert {kernel.py_func.__qualname__ for kernel in left_out} == set()


def test_the_comparison_finds_a_kernel_that_differs_or_writes_elsewhere():
    def differs(x, y):
        y[:] = 2 * x

    differs.py_func = lambda x, y: np.copyto(y, x)
    with pytest.raises(AssertionError, match="argument 1"):
        assert_interpreted_equals_compiled(differs, lambda: (np.ones(3), np.ones(3)))

    def writes_beside(x, y):
        y[:] = x
        y.base[-1] = 5

    writes_beside.py_func = lambda x, y: np.copyto(y, x)
    with pytest.raises(AssertionError, match="argument 1"):
        assert_interpreted_equals_compiled(writes_beside, lambda: (np.ones(3), np.ones(9)[:3]))


def test_the_comparison_finds_a_kernel_that_returns_something_else():
    def returns(x):
        return 2, 3

    returns.py_func = lambda x: (2, 4)
    with pytest.raises(AssertionError, match="what is returned"):
        assert_interpreted_equals_compiled(returns, lambda: (np.ones(3),))


def test_fast_math_leaves_nan_and_infinity_in_the_language():
    assert not FAST_MATH & {"nnan", "ninf", "fast"}
