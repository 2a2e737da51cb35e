"""The gradient check accepts right gradients, and finds every gradient made wrong here."""

from dataclasses import replace

import numpy as np
import pytest
from engine_helpers import config_of, toy_dataset

from mnistlab.blocks.activations import ACTIVATIONS as REGISTERED
from mnistlab.blocks.activations import _ops as activation_ops
from mnistlab.blocks.layers.dense import choice
from mnistlab.blocks.layers.dense import ops as dense_ops
from mnistlab.blocks.layers.dense.ops import (
    dense_backward_input,
    dense_backward_weights,
    weight_of,
)
from mnistlab.blocks.losses import binary_cross_entropy, cross_entropy, mse
from mnistlab.blocks.losses._head import gradient_scale, losses_of, record_rows
from mnistlab.blocks.losses.binary_cross_entropy import binary_cross_entropy_head
from mnistlab.blocks.losses.cross_entropy import cross_entropy_head, softmax_cross_entropy
from mnistlab.blocks.losses.mse import squared_error_head
from mnistlab.blocks.optimizers._update import part
from mnistlab.blocks.penalties import ops as penalty_ops
from mnistlab.data import Split
from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.parts import flat, share, slot
from mnistlab.training.gradcheck import COORDINATES, check_gradients

PRECISION = 1e-7
# With zero weights a gradient is so small that the loss's rounding is visible.
PRECISION_OF_ZEROS = 1e-6


def blank_pixels():
    """Images in which most pixels are 0 everywhere, like the borders of MNIST."""
    dataset = toy_dataset(side=8)
    images = dataset.train.images.copy()
    images[:, :3] = images[:, -3:] = 0
    return replace(dataset, train=Split(images, dataset.train.labels, dataset.train.indices))


def check(dataset=None, **sections):
    return check_gradients(config_of(**sections), dataset or toy_dataset())


def mlp(activation="tanh", output="softmax", hidden=(9, 7), **keys):
    return {
        "hidden": list(hidden),
        "activation": activation,
        "output_activation": output,
        **keys,
    }


LEAKY, STEEP = {"type": "leaky_relu", "alpha": 0.2}, {"type": "sigmoid", "k": 2.5}
SCALED = {"type": "tanh", "scale": 1.7159, "slope": 2 / 3}
ACTIVATIONS = ["identity", "relu", "relu6", LEAKY, "sigmoid", STEEP, "tanh", SCALED]
ELU = {"type": "elu", "alpha": 0.7}
ACTIVATIONS += ["softsign", "softplus", ELU, "gelu", "silu"]
PLUS_MINUS = {"type": "mse", "targets": "plus_minus"}
BCE, MSE = {"type": "binary_cross_entropy"}, {"type": "mse"}
PENALTY = {"l1": 0.02, "l2": 0.03}

RIGHT = {
    "softmax regression": {"model": {"type": "softmax"}},
    "without bias": {"model": mlp(bias=False)},
    **{f"hidden {a}": {"model": mlp(a)} for a in ACTIVATIONS},
    **{f"mse of {a}": {"model": mlp("tanh", a), "loss": MSE} for a in [*ACTIVATIONS, "softmax"]},
    "bce": {"model": mlp(output="sigmoid"), "loss": BCE},
    "bce of slope": {"model": mlp(output=STEEP), "loss": BCE},
    "sum": {"model": mlp(), "loss": {"reduction": "sum"}},
    "bce sum": {"model": mlp(output=STEEP), "loss": {**BCE, "reduction": "sum"}},
    "smoothed": {"model": mlp(), "loss": {"label_smoothing": 0.2}},
    "smoothed sum": {"model": mlp(), "loss": {"label_smoothing": 0.7, "reduction": "sum"}},
    "mse of plus and minus": {"model": mlp(output=SCALED), "loss": PLUS_MINUS},
    "mse sum": {"model": mlp(output="identity"), "loss": {**MSE, "reduction": "sum"}},
    "penalty": {"model": mlp(), "regularization": PENALTY},
    "penalty on the last": {"model": mlp(), "regularization": {**PENALTY, "layers": "last"}},
    "penalty on some": {
        "model": mlp(),
        "regularization": {**PENALTY, "layers": ["dense1", "dense3"]},
    },
    "penalty by step": {"model": mlp(), "regularization": {**PENALTY, "mode": "step"}},
    "penalty by proximal step": {
        "model": mlp(),
        "regularization": {**PENALTY, "mode": "proximal"},
    },
    "penalty and sum": {
        "model": mlp(),
        "loss": {"reduction": "sum"},
        "regularization": PENALTY,
    },
    "zeros": {"model": mlp("relu"), "init": {"type": "zeros"}},
    "zeros and penalty": {
        "model": mlp("relu"),
        "init": {"type": "zeros"},
        "regularization": PENALTY,
    },
    "deep": {"model": mlp("relu", hidden=(9, 8, 7, 6, 5))},
    "one unit": {"model": mlp("tanh", hidden=(1,))},
    "float32 is checked in float64": {"model": mlp(), "training": {"dtype": "float32"}},
    "biases": {"model": mlp("relu"), "init": {"bias": {"type": "normal", "std": 1.0}}},
}


@pytest.mark.parametrize("sections", RIGHT.values(), ids=RIGHT)
def test_a_right_gradient_passes(sections):
    checks = check(**sections)
    kinds = ["weight"] if sections["model"].get("bias") is False else ["weight", "bias"]
    layers = len(sections["model"].get("hidden", [])) + 1
    names = [f"dense{n}.{kind}" for n in range(1, layers + 1) for kind in kinds]
    assert [tensor.name for tensor in checks] == names
    zeros = sections.get("init") == {"type": "zeros"}
    for tensor in checks:
        assert tensor.error <= (PRECISION_OF_ZEROS if zeros else PRECISION), tensor
        assert tensor.passed
        size = int(np.prod(tensor.shape))
        assert tensor.checked + tensor.left_out == min(size, COORDINATES)
        assert tensor.checked >= 0.8 * min(size, COORDINATES)


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=str)
def test_blank_pixels_and_zero_biases_do_not_disturb(activation):
    for init, precision in (("he_normal", PRECISION), ("zeros", PRECISION_OF_ZEROS)):
        for tensor in check(blank_pixels(), model=mlp(activation), init={"type": init}):
            if activation != ELU or init != "zeros":  # its slope jumps where zeros put every value
                assert tensor.error <= precision, tensor
            assert tensor.passed


@pytest.mark.parametrize("normalize", ["minmax", "standardize", "none"])
@pytest.mark.parametrize("model", [{"type": "softmax"}, mlp("relu"), mlp("sigmoid")], ids=str)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_every_normalization_passes(normalize, model, reduction):
    dataset = toy_dataset(normalize=normalize, side=12)
    for tensor in check(dataset, model=model, loss={"reduction": reduction}):
        assert tensor.passed, tensor


SMALL = {
    "deep, from zeros": {"model": mlp("relu", hidden=(8, 8, 8, 8)), "init": {"type": "zeros"}},
    "deep sigmoids": {"model": mlp("sigmoid", hidden=(8,) * 8), "init": {"type": "glorot_normal"}},
    "small weights": {
        "model": mlp("tanh", hidden=(8, 8, 8)),
        "init": {"type": "normal", "std": 1e-3},
    },
    "almost sure": {
        "model": {"type": "softmax"},
        "init": {"type": "normal", "std": 30.0},
    },
}


@pytest.mark.parametrize("sections", SMALL.values(), ids=SMALL)
def test_a_right_gradient_passes_however_small_it_is(sections):
    for tensor in check(**sections):
        assert tensor.passed, tensor


def test_a_check_gives_the_same_figures_again():
    sections = {"model": mlp("relu"), "init": {"type": "zeros"}}
    assert check(**sections) == check(**sections)


def test_a_check_of_fewer_images_than_a_batch_has_passes():
    for tensor in check(toy_dataset(train=3, validation=2), model=mlp("relu")):
        assert tensor.passed


# Wrong gradients. Each op has the signature of the engine's.


@kernel
def half_the_weights(op, m, lane, step, first, rows):
    """dW = ½ xᵀ dy."""
    dense_backward_weights(op, m, lane, step, first, rows)
    dW = weight_of(op, m.grads)
    a, b = share(op.inputs, op.lanes, lane)
    for i in range(a, b):
        for j in range(op.outputs):
            dW[i, j] *= 0.5


@kernel
def bias_summed_over_everything(op, m, lane, step, first, rows):
    """db is one number for all, Σᵢⱼ dyᵢⱼ."""
    dense_backward_weights(op, m, lane, step, first, rows)
    total = slot(m.deltas, m, op.y, rows, op.outputs).sum()
    for j in range(op.biases):
        m.grads[op.bias + j] = total


@kernel
def bias_of_the_first_image(op, m, lane, step, first, rows):
    dense_backward_weights(op, m, lane, step, first, rows)
    dy = slot(m.deltas, m, op.y, rows, op.outputs)
    for j in range(op.biases):
        m.grads[op.bias + j] = dy[0, j]


@kernel
def input_gradient_forgotten(op, m, lane, step, first, rows):
    """dx = dy Wᵀ with the first unit left out."""
    dense_backward_input(op, m, lane, step, first, rows)
    dx = slot(m.deltas, m, op.x, rows, op.inputs)
    for i in range(rows):
        dx[i, 0] = 0


@kernel
def label_s_own_term_alone(op, m, lane, step, first, rows):
    """dz = t·y − t instead of y − t: the softmax's off-diagonal terms are missing."""
    labels = m.targets[:rows]
    z = slot(m.activations, m, op.x, rows, op.inputs)
    y = slot(m.activations, m, op.y, rows, op.inputs)
    softmax_cross_entropy(z, labels, op.smoothing, y, losses_of(op, m, first, rows))
    dz = slot(m.deltas, m, op.x, rows, op.inputs)
    scale = gradient_scale(op, rows)
    for i in range(rows):
        for j in range(op.inputs):
            dz[i, j] = scale * (y[i, j] - 1) if j == labels[i] else 0.0
    record_rows(op, m, y, labels, first)


@kernel
def cross_entropy_not_divided_by_the_batch(op, m, lane, step, first, rows):
    cross_entropy_head(op, m, lane, step, first, rows)
    dz = slot(m.deltas, m, op.x, rows, op.inputs)
    for i in range(rows):
        for j in range(op.inputs):
            dz[i, j] *= rows


@kernel
def softmax_diagonal_alone(op, m, lane, step, first, rows):
    """dz = dy · y (1 − y): the Jacobian's diagonal."""
    y = slot(m.activations, m, op.y, rows, op.inputs)
    dy = slot(m.deltas, m, op.y, rows, op.inputs)
    dz = slot(m.deltas, m, op.x, rows, op.inputs)
    for i in range(rows):
        for j in range(op.inputs):
            dz[i, j] = dy[i, j] * y[i, j] * (1 - y[i, j])


@kernel
def slope_of_binary_cross_entropy_forgotten(op, m, lane, step, first, rows):
    binary_cross_entropy_head(op, m, lane, step, first, rows)
    dz = slot(m.deltas, m, op.x, rows, op.inputs)
    for i in range(rows):
        for j in range(op.inputs):
            dz[i, j] /= op.k


@kernel
def twice_the_squared_error(op, m, lane, step, first, rows):
    squared_error_head(op, m, lane, step, first, rows)
    dy = slot(m.deltas, m, op.x, rows, op.inputs)
    for i in range(rows):
        for j in range(op.inputs):
            dy[i, j] *= 2


@kernel
def square_without_its_two(op, m, lane, step, first, rows):
    """dW + l1 sign(W) + l2 W."""
    W, dW = part(op, m.params, lane), part(op, m.grads, lane)
    for i in range(W.size):
        dW[i] += op.l1 * np.sign(W[i]) + op.l2 * W[i]


@kernel
def activation_s_derivative_left_out(op, m, lane, step, first, rows):
    a, b = share(rows, op.lanes, lane)
    dx, dy = flat(m.deltas, m, op.x, a, b, op.inputs), flat(m.deltas, m, op.y, a, b, op.inputs)
    for i in range(dy.size):
        dx[i] = dy[i]


# What is replaced, by what, in which configuration, and the tensors with a wrong gradient.
ALL = {f"dense{n}.{kind}" for n in (1, 2, 3) for kind in ("weight", "bias")}
WEIGHTS = {name for name in ALL if name.endswith("weight")}
BELOW = {name for name in ALL if not name.startswith("dense3")}
WRONG = [
    ("dense_backward_weights", half_the_weights, {}, WEIGHTS),
    ("dense_backward_weights", bias_summed_over_everything, {}, ALL - WEIGHTS),
    ("dense_backward_weights", bias_of_the_first_image, {}, ALL - WEIGHTS),
    ("dense_backward_input", input_gradient_forgotten, {}, BELOW),
    ("cross_entropy_head", label_s_own_term_alone, {}, ALL),
    ("cross_entropy_head", cross_entropy_not_divided_by_the_batch, {}, ALL),
    ("softmax_backward", softmax_diagonal_alone, {"loss": MSE}, ALL),
    (
        "binary_cross_entropy_head",
        slope_of_binary_cross_entropy_forgotten,
        {"model": mlp(output=STEEP), "loss": BCE},
        ALL,
    ),
    ("squared_error_head", twice_the_squared_error, {"loss": MSE}, ALL),
    ("penalty_gradient", square_without_its_two, {"regularization": PENALTY}, WEIGHTS),
    ("activation_backward", activation_s_derivative_left_out, {}, BELOW),
]


def failed(sections, dataset=None):
    checks = check(dataset, **{"model": mlp(), **sections})
    assert all(tensor.verdict != "not compared" for tensor in checks)
    return {tensor.name for tensor in checks if tensor.verdict == "wrong"}


def unscaled():
    """Images whose pixels are the network's input unscaled, 0 to 240."""
    return toy_dataset(normalize="none", side=5)


# Weights that do not saturate a network with such pixels everywhere.
FINE = {"init": {"type": "normal", "std": 1e-3}}


@pytest.mark.parametrize(
    ("name", "wrong", "sections", "spoilt"), WRONG, ids=[case[1].__name__ for case in WRONG]
)
def test_a_wrong_gradient_is_found_in_the_tensors_that_it_spoils(
    monkeypatch, name, wrong, sections, spoilt
):
    monkeypatch.setattr(
        choice, "MOST_FEW_OUTPUTS", 0
    )  # dense layers of a path of their own: elsewhere
    assert failed(sections) == set()
    assert failed(FINE | sections, unscaled()) == set()
    rooms = (dense_ops, cross_entropy, binary_cross_entropy, mse, activation_ops, penalty_ops)
    room = next(room for room in rooms if hasattr(room, name))
    monkeypatch.setattr(room, name, wrong)
    assert failed(sections) == spoilt
    assert failed(FINE | sections, unscaled()) == spoilt


@kernel
def relu_backward_by_the_gradient(x, y, parameters, dy, dx):
    """dx = dy where dy > 0: the derivative of the wrong array."""
    for i in range(dy.size):
        dx[i] = dy[i] if dy[i] > 0 else 0.0


@kernel
def sigmoid_backward_of_the_input(x, y, parameters, dy, dx):
    """k x (1 − x) in place of k y (1 − y)."""
    for i in range(dy.size):
        dx[i] = dy[i] * parameters[0] * x[i] * (1 - x[i])


@kernel
def sigmoid_backward_without_slope(x, y, parameters, dy, dx):
    for i in range(dy.size):
        dx[i] = dy[i] * y[i] * (1 - y[i])


@kernel
def leaky_relu_backward_as_relu(x, y, parameters, dy, dx):
    for i in range(dy.size):
        dx[i] = dy[i] if x[i] > 0 else 0.0


@kernel
def tanh_backward_off_by_a_millionth(x, y, parameters, dy, dx):
    for i in range(dy.size):
        dx[i] = dy[i] * (1 - y[i] * y[i]) * (1 + 2e-6)


@pytest.mark.parametrize(
    ("activation", "wrong"),
    [
        ("relu", relu_backward_by_the_gradient),
        (STEEP, sigmoid_backward_of_the_input),
        (STEEP, sigmoid_backward_without_slope),
        (LEAKY, leaky_relu_backward_as_relu),
        ("tanh", tanh_backward_off_by_a_millionth),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_wrong_derivative_of_an_activation_is_found_in_the_layers_below_it(
    monkeypatch, activation, wrong
):
    sections = {"model": mlp(activation)}
    assert failed(sections) == failed(FINE | sections, unscaled()) == set()
    name = activation if isinstance(activation, str) else activation["type"]
    monkeypatch.setattr(REGISTERED.blocks[name], "backward", wrong)
    monkeypatch.setattr(REGISTERED.blocks[name], "in_place", False)  # there, x would be y
    assert failed(sections) == failed(FINE | sections, unscaled()) == BELOW
