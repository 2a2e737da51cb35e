"""The gradient check accepts the kernels that skip zeros, and finds errors made in them."""

import pytest
from engine_helpers import config_of, dark_dataset, toy_dataset
from fast_path_helpers import SPARSE_TILES, TILES, cnn, mlp, skip_zeros_of_few

from mnistlab.blocks.layers.dense import few_outputs_ops, sparse_hidden_ops, sparse_input_ops
from mnistlab.blocks.layers.dense.ops import weight_of
from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.parts import share, slot
from mnistlab.training.gradcheck import Objective, check_gradients

PRECISION = 1e-7
PENALTY = {"l1": 0.02, "l2": 0.03}


def dataset_for(model):
    return dark_dataset() if model["type"] == "mlp" else toy_dataset(side=8, width=7)


def check(model, **sections):
    return check_gradients(config_of(model=model, **sections), dataset_for(model))


def backward_ops(model):
    program = Objective(config_of(model=model), dataset_for(model)).program
    return {op.function.__name__ for op in program.backward}


def sparse_input_name(width):
    return f"sparse_input_backward_weights_{TILES[width]}"


def sparse_hidden_name(width):
    return f"sparse_backward_{SPARSE_TILES[width]}"


RIGHT = {
    "one small tile": (sparse_input_name(33), {"model": mlp(33)}),
    "one tile": (sparse_input_name(100), {"model": mlp(100)}),
    "tiles": (sparse_input_name(200), {"model": mlp(200, bias=False)}),
    "tiles, penalised": (sparse_input_name(256), {"model": mlp(256), "regularization": PENALTY}),
    "behind a relu": (sparse_hidden_name(32), {"model": cnn(32)}),
    "behind a relu and dropout": (sparse_hidden_name(96), {"model": cnn(96, dropout=0.3)}),
    "momentum, which takes its step within the gradient": (
        sparse_hidden_name(48),
        {"model": mlp(100, 48), "optimizer": {"momentum": 0.9}},
    ),
    "few outputs": ("few_outputs_backward_weights", {"model": mlp(9, 7)}),
}


def test_so_does_that_of_standardised_images_whose_zero_pixels_are_no_zero_inputs():
    dataset, config = dark_dataset(normalize="standardize"), config_of(model=mlp(100))
    assert dataset.offset != 0
    ops = {op.function.__name__ for op in Objective(config, dataset).program.backward}
    assert sparse_input_name(100) in ops
    for tensor in check_gradients(config, dataset):
        assert tensor.error <= PRECISION, tensor
        assert tensor.passed


@pytest.mark.parametrize(("op", "sections"), RIGHT.values(), ids=RIGHT)
def test_a_right_gradient_passes(monkeypatch, op, sections):
    skip_zeros_of_few(monkeypatch)
    assert op in backward_ops(sections["model"])
    for tensor in check(**sections):
        assert tensor.error <= PRECISION, tensor
        assert tensor.passed
        assert tensor.checked >= 0.5 * (tensor.checked + tensor.left_out)


# Wrong gradients. Each op has the signature of the engine's.


RIGHT_SPARSE_INPUT, RIGHT_SPARSE_HIDDEN = (
    sparse_input_ops.backward_weights_of(TILES[40]),
    sparse_hidden_ops.backward_of(SPARSE_TILES[32]),
)
RIGHT_FEW_OUTPUTS = few_outputs_ops.few_outputs_backward_weights


@kernel
def last_image_left_out(op, m, lane, step, first, rows):
    RIGHT_SPARSE_INPUT(op, m, lane, step, first, rows - 1)


@kernel
def half_the_weights(op, m, lane, step, first, rows):
    """dW = ½ xᵀ dy, of a lane's parts of the tile."""
    RIGHT_SPARSE_INPUT(op, m, lane, step, first, rows)
    begin, end = sparse_input_ops.units_of(op, lane)
    for part in range(begin, end):
        a, b = share(op.inputs, op.parts, part)
        own = m.grads[op.tiles + a * op.tile : op.tiles + b * op.tile]
        for j in range(own.size):
            own[j] *= 0.5


@kernel
def one_weight_s_gradient_off_by_a_thousandth(op, m, lane, step, first, rows):
    RIGHT_SPARSE_HIDDEN(op, m, lane, step, first, rows)
    dW = weight_of(op, m.grads)
    a, b = sparse_hidden_ops.inputs_of(op, lane)
    for i in range(a, b):
        dW[i, 3] *= 1.001


@kernel
def sent_down_without_the_first_lane(op, m, lane, step, first, rows):
    """dx = dy Wᵀ, but 0 for the first of the inputs."""
    RIGHT_SPARSE_HIDDEN(op, m, lane, step, first, rows)
    dx = slot(m.deltas, m, op.x, rows, op.inputs)
    a, b = sparse_hidden_ops.inputs_of(op, lane)
    for i in range(rows if a == 0 else 0):
        dx[i, a:b] = 0


@kernel
def an_output_twice(op, m, lane, step, first, rows):
    """The gradient of the first output twice as large."""
    RIGHT_FEW_OUTPUTS(op, m, lane, step, first, rows)
    for k in range(op.row if lane == 0 else 0):
        m.grads[op.transposed + k] *= 2


CONV, DENSE = {"conv1.weight", "conv1.bias"}, {"dense1.weight", "dense1.bias"}
FIRST = {"dense1.weight"}
WRONG = [
    (
        sparse_input_ops,
        "backward_weights_of",
        last_image_left_out,
        mlp(40),
        sparse_input_name(40),
        DENSE,
    ),
    (
        sparse_input_ops,
        "backward_weights_of",
        half_the_weights,
        mlp(40),
        sparse_input_name(40),
        FIRST,
    ),
    (
        sparse_hidden_ops,
        "backward_of",
        one_weight_s_gradient_off_by_a_thousandth,
        cnn(32),
        sparse_hidden_name(32),
        FIRST,
    ),
    (
        sparse_hidden_ops,
        "backward_of",
        sent_down_without_the_first_lane,
        cnn(32),
        sparse_hidden_name(32),
        CONV,
    ),
    (
        few_outputs_ops,
        "few_outputs_backward_weights",
        an_output_twice,
        mlp(9),
        "few_outputs_backward_weights",
        FIRST,
    ),
]


@pytest.mark.parametrize(
    ("ops", "name", "wrong", "model", "right", "spoilt"),
    WRONG,
    ids=[case[2].__name__ for case in WRONG],
)
def test_a_wrong_gradient_is_found_in_the_tensors_that_it_spoils(
    monkeypatch, ops, name, wrong, model, right, spoilt
):
    skip_zeros_of_few(monkeypatch)
    assert right in backward_ops(model)
    assert {tensor.name for tensor in check(model) if not tensor.passed} == set()
    monkeypatch.setattr(ops, name, (lambda tile: wrong) if name.endswith("_of") else wrong)
    assert {tensor.name for tensor in check(model) if not tensor.passed} == spoilt
