"""Every kernel gives the same results interpreted and compiled, in float32.

Compiled in float64, each is held to the equations by the trainings of tests/training.
"""

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
    assert_interpreted_equals_compiled,
    labels_for,
    normal,
    run_interpreted,
)
from map_cases import by_rows_cases, convolution_cases, pad_cases, pooling_cases
from products_cases import products_cases
from shared_input_cases import shared_input_cases
from side_by_side_cases import side_by_side_cases
from sparse_cases import one_image_cases, sparse_hidden_cases, sparse_input_cases
from update_cases import update_cases
from without_patches_cases import without_patches_cases

import mnistlab.blocks
import mnistlab.runtime
from mnistlab.blocks.activations import ELEMENTWISE
from mnistlab.blocks.activations import softmax as softmax_block
from mnistlab.blocks.layers.dense import maths as dense
from mnistlab.blocks.layers.dropout import maths as dropout
from mnistlab.blocks.losses import _head, mse
from mnistlab.blocks.losses import _taught as taught
from mnistlab.blocks.losses import binary_cross_entropy as bce
from mnistlab.blocks.losses import cross_entropy as ce
from mnistlab.runtime import parts, random
from mnistlab.runtime.kernel import Kernel
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.options import FAST_MATH

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

    yield case(softmax_block.exponentials, lambda t: (z(t)[0], np.empty(OUTPUTS, t)))
    yield case(softmax_block.softmax_forward, lambda t: (z(t), empty(t)))
    yield case(
        softmax_block.softmax_backward, lambda t: (z(t), normal((BATCH, OUTPUTS), t, 5), empty(t))
    )
    # Losses have the precision of the exponentials: in float64 all of it is held.
    for dtype in (np.float32, np.float64):
        yield case(
            ce.softmax_cross_entropy,
            lambda _, t=dtype: (z(t), labels, 0.1, empty(t), np.empty(BATCH, t)),
        )
    yield case(ce.cross_entropy_backward, lambda t: (z(t), labels, 0.1, 0.25, empty(t)))
    yield case(ce.cross_entropy_exact, lambda t: (labels, z(t)))
    p = np.full(OUTPUTS, 1 / OUTPUTS)
    yield case(taught.taught_loss, lambda t: (z(t)[0], p.astype(t), 3.0))
    yield case(
        taught.taught_backward, lambda t: (z(t)[0], p.astype(t), 3.0, 0.25, np.zeros(OUTPUTS, t))
    )
    yield case(bce.binary_cross_entropy_loss, lambda t: (z(t), 0.7, labels, np.empty(BATCH)))
    yield case(bce.binary_cross_entropy_backward, lambda t: (z(t), 0.7, labels, 0.25, empty(t)))
    yield case(
        bce.binary_cross_entropy_exact,
        lambda t: (z(t), 0.7, labels, 0.25, np.zeros((BATCH, OUTPUTS), t)),
    )
    yield case(mse.squared_error_loss, lambda t: (z(t), labels, -1.0, np.empty(BATCH)))
    yield case(mse.squared_error_backward, lambda t: (z(t), labels, -1.0, 0.25, empty(t)))


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


def _part_cases():
    for numbers in [(10, 3, 0), (10, 3, 2), (7, 1, 0)]:
        yield pytest.param(parts.share, lambda t, n=numbers: n, id=f"share {numbers}")
    yield pytest.param(_head.largest, lambda t: (normal(9, t),), id="largest output")


CASES = [
    *_part_cases(),
    *by_rows_cases(),
    *without_patches_cases(),
    *_dense_cases(),
    *convolution_cases(),
    *pooling_cases(),
    *pad_cases(),
    *_activation_cases(),
    *batch_norm_cases(),
    *one_image_cases(),
    *sparse_input_cases(),
    *sparse_hidden_cases(),
    *few_outputs_cases(),
    *products_cases(),
    *shared_input_cases(),
    *side_by_side_cases(),
    *fewer_products_cases(),
    *_random_cases(),
    *augmentation_cases(),
    *_loss_cases(),
    *update_cases(),
]


@pytest.mark.parametrize(("kernel", "make"), CASES)
def test_a_kernel_is_the_same_interpreted_and_compiled(kernel, make):
    assert_interpreted_equals_compiled(kernel, lambda: make(np.float32))


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
