"""The numerical check passes the paths that skip zeros, and finds what is made wrong in them."""

import pytest
from engine_helpers import config_of, dark_dataset, toy_dataset
from fast_path_helpers import cnn, mlp, skip_zeros_of_few

from mnistlab.engine.gradcheck import Objective, check_gradients
from mnistlab.engine.passes import lit, sparse
from mnistlab.engine.passes.layers import weight_of
from mnistlab.engine.passes.views import share, slot
from mnistlab.kernels.jit import kernel
from mnistlab.kernels.lit_pixels import part_of

PRECISION = 1e-7
PENALTY = {"l1": 0.02, "l2": 0.03}


def dataset_for(model):
    return dark_dataset() if model["type"] == "mlp" else toy_dataset(side=8, width=7)


def check(model, **sections):
    return check_gradients(config_of(model=model, **sections), dataset_for(model))


def backward_ops(model):
    program = Objective(config_of(model=model), dataset_for(model)).program
    return {op.function.__name__ for op in program.backward}


RIGHT = {
    "one small tile": ("lit_backward_weights_128", {"model": mlp(33)}),
    "one tile": ("lit_backward_weights_128", {"model": mlp(100)}),
    "tiles": ("lit_backward_weights_64", {"model": mlp(200, bias=False)}),
    "tiles, penalised": (
        "lit_backward_weights_128",
        {"model": mlp(256), "regularization": PENALTY},
    ),
    "behind a relu": ("sparse_backward_64", {"model": cnn(40)}),
    "behind a relu and dropout": ("sparse_backward_128", {"model": cnn(100, dropout=0.3)}),
    "momentum, which takes its step within the gradient": (
        "sparse_backward_64",
        {"model": mlp(100, 50), "optimizer": {"momentum": 0.9}},
    ),
}


@pytest.mark.parametrize(("op", "sections"), RIGHT.values(), ids=RIGHT)
def test_a_right_gradient_passes(monkeypatch, op, sections):
    skip_zeros_of_few(monkeypatch)
    assert op in backward_ops(sections["model"])
    for tensor in check(**sections):
        assert tensor.error <= PRECISION, tensor
        assert tensor.passed
        assert tensor.checked >= 0.5 * (tensor.checked + tensor.left_out)


# Gradients made wrong. Each op has the arguments of those of the engine's passes.


@kernel
def last_image_left_out(op, m, lane, step, first, rows):
    lit.lit_backward_weights_128(op, m, lane, step, first, rows - 1)


@kernel
def half_the_weights(op, m, lane, step, first, rows):
    """dW = ½ xᵀ dy, of a lane's part of the pixels."""
    lit.lit_backward_weights_128(op, m, lane, step, first, rows)
    dW = weight_of(op, m.grads)
    a, b = part_of(op.inputs, op.parts, lane)
    for i in range(a, b):
        for j in range(op.outputs):
            dW[i, j] *= 0.5


@kernel
def one_weight_s_gradient_off_by_a_thousandth(op, m, lane, step, first, rows):
    sparse.sparse_backward_64(op, m, lane, step, first, rows)
    dW = weight_of(op, m.grads)
    a, b = share(op.inputs, op.lanes, lane)
    for i in range(a, b):
        dW[i, 3] *= 1.001


@kernel
def sent_down_without_the_first_lane(op, m, lane, step, first, rows):
    """dx = dy Wᵀ, but 0 for the first of the inputs."""
    sparse.sparse_backward_64(op, m, lane, step, first, rows)
    dx = slot(m.deltas, m, op.x, rows, op.inputs)
    a, b = share(op.inputs, op.lanes, lane)
    for i in range(rows if lane == 0 else 0):
        dx[i, a:b] = 0


CONV, DENSE = {"conv1.weight", "conv1.bias"}, {"dense1.weight", "dense1.bias"}
WRONG = [
    (lit.BACKWARD_WEIGHTS, 128, last_image_left_out, mlp(40), DENSE),
    (lit.BACKWARD_WEIGHTS, 128, half_the_weights, mlp(40), {"dense1.weight"}),
    (sparse.BACKWARD, 64, one_weight_s_gradient_off_by_a_thousandth, cnn(40), {"dense1.weight"}),
    (sparse.BACKWARD, 64, sent_down_without_the_first_lane, cnn(40), CONV),
]


@pytest.mark.parametrize(
    ("ops", "tile", "wrong", "model", "spoilt"), WRONG, ids=[case[2].__name__ for case in WRONG]
)
def test_a_wrong_gradient_is_found_in_the_tensors_that_it_spoils(
    monkeypatch, ops, tile, wrong, model, spoilt
):
    skip_zeros_of_few(monkeypatch)
    assert ops[tile].__name__ in backward_ops(model)
    assert {tensor.name for tensor in check(model) if not tensor.passed} == set()
    monkeypatch.setitem(ops, tile, wrong)
    assert {tensor.name for tensor in check(model) if not tensor.passed} == spoilt
