"""The gradient check of dropout and of CNNs: right gradients pass, wrong ones are found."""

from dataclasses import replace

import numpy as np
import pytest
from engine_helpers import config_of, toy_dataset

from mnistlab.blocks.layers.batch_norm import lines_ops as batch_norm_ops
from mnistlab.blocks.layers.batch_norm import maths as batch_norm
from mnistlab.blocks.layers.batch_norm.lines_ops import combine_gradients
from mnistlab.blocks.layers.batch_norm.ops import channels_of, statistics_of
from mnistlab.blocks.layers.conv2d import ops as conv_ops
from mnistlab.blocks.layers.conv2d.ops import (
    conv2d_backward_weights,
    filters_of,
    sum_lane_grads,
)
from mnistlab.blocks.layers.dropout import ops as dropout_ops
from mnistlab.blocks.layers.dropout.ops import dropout_backward
from mnistlab.blocks.layers.pool2d import ops as pool_ops
from mnistlab.data import Split
from mnistlab.runtime import lanes
from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.parts import flat, images_of, lane_grads_of, rows_of, share
from mnistlab.training.gradcheck import COORDINATES, check_gradients

PRECISION = 1e-7


def digits_like(height=14, width=14, border=4):
    """Images with a border of 0, like MNIST's."""
    dataset = toy_dataset(side=height, width=width, labelled=5)
    images = np.zeros_like(dataset.train.images)
    middle = np.s_[:, border:-border, border:-border]
    images[middle] = dataset.train.images[middle]
    return replace(dataset, train=Split(images, dataset.train.labels, dataset.train.indices))


def conv(filters, kernel, stride=1, padding=0, bias="shared"):
    keys = {"kernel": kernel, "stride": stride, "padding": padding, "bias": bias}
    return {"conv": {"filters": filters, **keys}}


def pool(kind, size=2, stride=2):
    return {"pool": {"type": kind, "size": size, "stride": stride}}


def activation(name):
    return {"activation": name}


def cnn(*layers, **keys):
    return {"type": "cnn", "layers": list(layers), **keys}


def two_convolutions(first="relu", second="relu", pools=("max", "max"), bias="shared"):
    return cnn(
        conv(4, 3, padding=1, bias=bias),
        activation(first),
        pool(pools[0]),
        {"dropout": 0.25},
        conv(5, 3, bias=bias),
        activation(second),
        pool(pools[1], 3, 2),
        {"dropout": 0.4},
        "flatten",
        {"dense": {"units": 8}},
        activation("tanh"),
    )


STEEP = {"type": "sigmoid", "k": 2.5}
LEAKY = {"type": "leaky_relu", "alpha": 0.1}
RIGHT = {
    "relu and max pools": two_convolutions(),
    "relu and average pools": two_convolutions(pools=("average", "average")),
    "relu6 and leaky": two_convolutions("relu6", LEAKY, ("max", "average")),
    "tanh and sigmoid": two_convolutions("tanh", STEEP, ("average", "max")),
    "a bias per position": two_convolutions(bias="per_position"),
    "no bias": two_convolutions(bias="none"),
    "one convolution alone": cnn(conv(3, 5)),
    "strides and padding": cnn(conv(3, 3, 2, 3), activation("relu"), conv(4, 2, 3, 1)),
    "padding by values": cnn(
        {"pad": {"size": 2, "value": -1.0}},
        conv(3, 3),
        activation("tanh"),
        {"pad": {"size": 1, "value": 0.5}},
        conv(2, 3, 2),
    ),
    "padding of pixels dropped": cnn({"dropout": 0.3}, {"pad": {"size": 1}}, conv(3, 3)),
    "padding under a dense layer": cnn({"pad": {"size": 1, "value": 2.0}}, {"dense": {"units": 6}}),
    "padding under a pool": cnn({"pad": {"size": 1, "value": -9.0}}, pool("max", 3, 2), conv(2, 2)),
    "padding same": cnn(conv(3, 5, 1, "same"), activation("tanh"), conv(2, 3, 2, "same")),
    "padding beyond the patch": cnn(conv(3, 1, 1, 2), activation("relu"), conv(2, 3, 2, 3)),
    "max pool of the image": cnn(pool("max", 3, 1), conv(3, 3), activation("relu")),
    "from the image": cnn(activation("tanh"), {"dropout": 0.2}, conv(3, 3), pool("max")),
    "after the last dense": cnn(
        conv(2, 3), {"dense": {"units": 5}}, activation("tanh"), {"dropout": 0.3}
    ),
    "dropout upon dropout": cnn({"dropout": 0.3}, {"dropout": 0.3}, conv(2, 3), {"dropout": 0.1}),
    "normalised maps": cnn(
        conv(3, 3, bias="none"),
        "batch_norm",
        activation("tanh"),
        conv(4, 3, bias="none"),
        {"batch_norm": {}},
    ),
    "normalised image": cnn("batch_norm", conv(3, 3), activation("tanh"), "batch_norm"),
    "normalised units": {
        "type": "mlp",
        "hidden": [9, 7],
        "activation": "tanh",
        "batch_norm": True,
        "bias": False,
    },
    "mlp with dropout": {"type": "mlp", "hidden": [9, 7], "activation": "tanh", "dropout": 0.3},
    "mlp with dropout of pixels": {"type": "mlp", "hidden": [9], "input_dropout": 0.3},
    "mlp with dropout of pixels and units": {
        "type": "mlp",
        "hidden": [9, 7],
        "dropout": 0.5,
        "input_dropout": 0.2,
    },
    "mlp with relu and dropout": {"type": "mlp", "hidden": [9, 7], "dropout": 0.5},
}


def check(dataset=None, **sections):
    return check_gradients(config_of(**sections), dataset or digits_like())


@pytest.mark.parametrize("normalize", ["minmax", "standardize"])
@pytest.mark.parametrize("model", RIGHT.values(), ids=RIGHT)
def test_a_right_gradient_passes_with_blank_borders_and_zero_biases(model, normalize):
    dataset = replace(digits_like(), scale=1 / 40, offset=-0.6)
    checks = check(dataset if normalize == "standardize" else None, model=model)
    for tensor in checks:
        assert tensor.error <= PRECISION, tensor
        assert tensor.passed
        size = int(np.prod(tensor.shape))
        assert tensor.checked + tensor.left_out == min(size, COORDINATES)
        assert tensor.checked >= 0.5 * min(size, COORDINATES), tensor


OTHER_SECTIONS = {
    "seed 1": {"seed": 1},
    "seed 2": {"seed": 2},
    "he_uniform": {"init": {"type": "he_uniform"}},
    "zero weights": {"init": {"type": "zeros"}},
    "normal biases": {"init": {"bias": {"type": "normal", "std": 1.0}}},
    "small weights": {"init": {"type": "normal", "std": 1e-2}},
    "sum": {"loss": {"reduction": "sum"}},
    "mse": {"loss": {"type": "mse"}},
    "penalty": {"regularization": {"l1": 0.01, "l2": 0.02}},
    "penalty on a scale": {
        "model": cnn(conv(3, 3, bias="none"), "batch_norm", activation("tanh")),
        "regularization": {"l1": 0.01, "l2": 0.02, "layers": ["batch_norm1"]},
    },
    "penalty on a convolution": {"regularization": {"l2": 0.02, "layers": ["conv2"]}},
}


@pytest.mark.parametrize("sections", OTHER_SECTIONS.values(), ids=OTHER_SECTIONS)
def test_a_right_gradient_passes_whatever_the_weights_and_losses(sections):
    for tensor in check(**{"model": two_convolutions(), **sections}):
        assert tensor.passed, tensor


@pytest.mark.parametrize("shape", [(14, 11), (11, 14)], ids=str)
def test_images_that_are_not_square_pass(shape):
    for tensor in check(digits_like(*shape), model=two_convolutions()):
        assert tensor.passed, tensor


def test_the_gradient_divided_into_many_lanes_passes(monkeypatch):
    monkeypatch.setattr(lanes, "WORK_PER_LANE", 1)
    monkeypatch.setattr(lanes, "ROWS_PER_LANE", 1)
    for tensor in check(model=two_convolutions()):
        assert tensor.passed, tensor


# Wrong gradients. Each op has the signature of the engine's.


@kernel
def filters_by_the_sum_over_all_positions(op, m, lane, step, first, rows):
    """dW = Σᵢ (Σ dyᵢ)(Σ Pᵢ)ᵀ: a product of sums over the positions, not the sum of products."""
    conv2d_backward_weights(op, m, lane, step, first, rows)
    a, b = share(rows, op.lanes, lane)
    x = images_of(m.activations, m, op.x, rows, op.channels, op.height, op.width)
    dy = images_of(m.deltas, m, op.y, rows, op.filters, op.rows, op.columns)
    own = lane_grads_of(op, m, lane)
    for f in range(op.filters):
        for c in range(op.channels):
            for u in range(op.side):
                for v in range(op.side):
                    total = 0.0
                    for i in range(a, b):
                        pixels = 0.0
                        for r in range(op.rows):
                            for q in range(op.columns):
                                h = r * op.stride + u - op.padding
                                w = q * op.stride + v - op.padding
                                if 0 <= h < op.height and 0 <= w < op.width:
                                    pixels += x[i, c, h, w]
                        total += pixels * dy[i, f].sum()
                    own[((f * op.channels + c) * op.side + u) * op.side + v] = total


@kernel
def bias_summed_over_the_filters(op, m, lane, step, first, rows):
    """db is one number for all filters, Σ dy over images, filters and positions."""
    conv2d_backward_weights(op, m, lane, step, first, rows)
    weights = op.filters * op.channels * op.side * op.side
    own = lane_grads_of(op, m, lane)
    total = own[weights : weights + op.biases].sum()
    for j in range(op.biases):
        own[weights + j] = total


@kernel
def last_lane_alone(op, m, lane, step, first, rows):
    """The gradients of the other lanes' images are lost."""
    sum_lane_grads(op, m, lane, step, first, rows)
    own = lane_grads_of(op, m, op.row_lanes - 1)
    weights = op.filters * op.channels * op.side * op.side
    for j in range(weights):
        m.grads[op.weight + j] = own[j]
    for j in range(op.biases):
        m.grads[op.bias + j] = own[weights + j]


@kernel
def patches_that_overlap_overwrite(op, m, lane, step, first, rows):
    """dx is the last patch's value at a pixel, not the sum over patches."""
    a, b = share(rows, op.lanes, lane)
    dx = images_of(m.deltas, m, op.x, rows, op.channels, op.height, op.width)
    dy = images_of(m.deltas, m, op.y, rows, op.filters, op.rows, op.columns)
    W = filters_of(op, m.params)
    for i in range(a, b):
        for c in range(op.channels):
            for h in range(op.height):
                for w in range(op.width):
                    dx[i, c, h, w] = 0
            for r in range(op.rows):
                for q in range(op.columns):
                    for u in range(op.side):
                        for v in range(op.side):
                            h = r * op.stride + u - op.padding
                            w = q * op.stride + v - op.padding
                            if 0 <= h < op.height and 0 <= w < op.width:
                                total = 0.0
                                for f in range(op.filters):
                                    total += W[f, c, u, v] * dy[i, f, r, q]
                                dx[i, c, h, w] = total


@kernel
def filters_turned_over(op, m, lane, step, first, rows):
    """dx uses filters rotated by half a turn, as in a true convolution."""
    a, b = share(rows, op.lanes, lane)
    dx = images_of(m.deltas, m, op.x, rows, op.channels, op.height, op.width)
    dy = images_of(m.deltas, m, op.y, rows, op.filters, op.rows, op.columns)
    W = filters_of(op, m.params)
    last = op.side - 1
    for i in range(a, b):
        for c in range(op.channels):
            for h in range(op.height):
                for w in range(op.width):
                    dx[i, c, h, w] = 0
            for r in range(op.rows):
                for q in range(op.columns):
                    for u in range(op.side):
                        for v in range(op.side):
                            h = r * op.stride + u - op.padding
                            w = q * op.stride + v - op.padding
                            if 0 <= h < op.height and 0 <= w < op.width:
                                for f in range(op.filters):
                                    dx[i, c, h, w] += W[f, c, last - u, last - v] * dy[i, f, r, q]


@kernel
def dropout_without_its_mask(op, m, lane, step, first, rows):
    a, b = share(rows, op.lanes, lane)
    dx = flat(m.deltas, m, op.x, a, b, op.inputs)
    dy = flat(m.deltas, m, op.y, a, b, op.inputs)
    for i in range(dy.size):
        dx[i] = dy[i]


@kernel
def dropout_with_the_next_step_s_mask(op, m, lane, step, first, rows):
    dropout_backward(op, m, lane, step + 1, first, rows)


@kernel
def dropout_without_its_scale(op, m, lane, step, first, rows):
    dropout_backward(op, m, lane, step, first, rows)
    a, b = share(rows, op.lanes, lane)
    dx = flat(m.deltas, m, op.x, a, b, op.inputs)
    for i in range(dx.size):
        dx[i] *= 1 - op.rate


@kernel
def the_mean_and_variance_held_fixed(op, m, lane, step, first, rows):
    """dx as if the batch's mean and variance did not depend on x."""
    a, b = rows_of(op, rows, lane)
    dx = channels_of(op, m.deltas, m, op.x, rows)
    dy = channels_of(op, m.deltas, m, op.y, rows)
    statistics = statistics_of(op, m)
    for i in range(a, b):
        for c in range(op.channels):
            factor = m.params[op.scale + c] * statistics[batch_norm.INVERSE, c]
            for p in range(op.positions):
                dx[i, c, p] = factor * dy[i, c, p]


@kernel
def a_scale_by_the_values_themselves(op, m, lane, step, first, rows):
    """dscale = Σ dy x in place of Σ dy x̂; what is sent down is made from it."""
    combine_gradients(op, m, lane, step, first, rows)
    x = channels_of(op, m.activations, m, op.x, rows)
    dy = channels_of(op, m.deltas, m, op.y, rows)
    for c in range(op.channels):
        total = 0.0
        for i in range(rows):
            for p in range(op.positions):
                total += dy[i, c, p] * x[i, c, p]
        m.grads[op.scale + c] = total


ALL = {f"{name}.{kind}" for name in ("conv1", "conv2", "dense1") for kind in ("weight", "bias")}
BELOW = {"conv1.weight", "conv1.bias"}
# Two convolutions with overlap, with a max pool and dropout between them; no kinks.
MODEL = cnn(
    conv(3, 3, padding=1),
    activation("tanh"),
    pool("max"),
    {"dropout": 0.3},
    conv(4, 3),
    activation("tanh"),
)
NORMALISED = cnn(
    conv(3, 3, bias="none"), "batch_norm", activation("tanh"), conv(2, 3), activation("tanh")
)
AVERAGE = cnn(conv(3, 3), activation("tanh"), pool("average"), conv(4, 3), activation("tanh"))
WRONG = [
    (
        "conv2d_backward_weights",
        filters_by_the_sum_over_all_positions,
        MODEL,
        {"conv1.weight", "conv2.weight"},
    ),
    ("conv2d_backward_weights", bias_summed_over_the_filters, MODEL, {"conv1.bias", "conv2.bias"}),
    ("conv2d_backward_input", patches_that_overlap_overwrite, MODEL, BELOW),
    ("conv2d_backward_input", filters_turned_over, MODEL, BELOW),
    ("max_pool_backward_2", pool_ops.average_pool_backward_2, MODEL, BELOW),
    ("average_pool_backward_2", pool_ops.max_pool_backward_2, AVERAGE, BELOW),
    ("backward_input", the_mean_and_variance_held_fixed, NORMALISED, {"conv1.weight"}),
    (
        "combine_gradients",
        a_scale_by_the_values_themselves,
        NORMALISED,
        {"batch_norm1.scale", "conv1.weight"},
    ),
    ("dropout_backward", dropout_without_its_mask, MODEL, BELOW),
    ("dropout_backward", dropout_with_the_next_step_s_mask, MODEL, BELOW),
    ("dropout_backward", dropout_without_its_scale, MODEL, BELOW),
]


def failed(model):
    return {tensor.name for tensor in check(toy_dataset(side=9), model=model) if not tensor.passed}


@pytest.mark.parametrize(
    ("name", "wrong", "model", "spoilt"), WRONG, ids=[case[1].__name__ for case in WRONG]
)
def test_a_wrong_gradient_is_found_in_the_tensors_that_it_spoils(
    monkeypatch, name, wrong, model, spoilt
):
    assert failed(model) == set()
    room = next(
        room for room in (conv_ops, pool_ops, dropout_ops, batch_norm_ops) if hasattr(room, name)
    )
    monkeypatch.setattr(room, name, wrong)
    assert failed(model) == spoilt


def test_a_lost_lane_is_found(monkeypatch):
    monkeypatch.setattr(lanes, "WORK_PER_LANE", 1)
    monkeypatch.setattr(lanes, "ROWS_PER_LANE", 1)
    assert failed(MODEL) == set()
    monkeypatch.setattr(conv_ops, "sum_lane_grads", last_lane_alone)
    assert failed(MODEL) == {name for name in ALL if name.startswith("conv")}


@pytest.mark.parametrize("wrong", [filters_by_the_sum_over_all_positions, dropout_backward])
def test_a_wrong_gradient_is_found_on_images_with_blank_borders_too(monkeypatch, wrong):
    """Leaving out coordinates at a kink must not leave out the error."""
    model = cnn(conv(3, 3), activation("relu"), {"dropout": 0.3}, pool("max"))
    assert all(tensor.passed for tensor in check(model=model))
    if wrong is dropout_backward:
        monkeypatch.setattr(dropout_ops, "dropout_backward", dropout_without_its_mask)
    else:
        monkeypatch.setattr(conv_ops, "conv2d_backward_weights", wrong)
    assert "conv1.weight" in {tensor.name for tensor in check(model=model) if not tensor.passed}
