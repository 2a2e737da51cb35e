"""Dropout and CNNs compared with the second implementation, over 100 steps in float64."""

from itertools import pairwise

import numpy as np
import pytest
from engine_helpers import (
    config_of,
    random_tensors,
    tensors_of,
    toy_dataset,
    train,
    trainer_of,
    write_npz,
)
from layered_oracle import LayeredOracle
from oracle_helpers import assert_engine_follows, distance

from mnistlab.blocks.layers.conv2d import choice
from mnistlab.runtime import lanes

STEPS = 100
HEIGHT, WIDTH = 8, 7


def conv(filters, kernel, stride=1, padding=0, bias="shared", **keys):
    keys |= {"kernel": kernel, "stride": stride, "padding": padding, "bias": bias}
    return {"conv": {"filters": filters, **keys}}


def pool(kind, size, stride):
    return {"pool": {"type": kind, "size": size, "stride": stride}}


def activation(name):
    return {"activation": name}


def cnn(*layers, **keys):
    return {"type": "cnn", "layers": list(layers), **keys}


def dense_shapes(*widths):
    shapes = {}
    for number, (fan_in, fan_out) in enumerate(pairwise(widths), 1):
        shapes |= {f"dense{number}.weight": (fan_in, fan_out), f"dense{number}.bias": (fan_out,)}
    return shapes


def conv_shapes(number, weight, bias=None):
    shapes = {f"conv{number}.weight": weight}
    return shapes if bias is None else {**shapes, f"conv{number}.bias": bias}


def normal_shapes(number, channels):
    kinds = ("scale", "shift", "running_mean", "running_variance")
    return {f"batch_norm{number}.{kind}": (channels,) for kind in kinds}


DROPOUT = {"type": "mlp", "hidden": [9, 7], "activation": "tanh", "dropout": 0.3}
DROPOUT_SHAPES = dense_shapes(HEIGHT * WIDTH, 9, 7, 4)

# The whole: 8 × 7 → 4 × 8 × 7 → 4 × 4 × 3 → 3 × 5 × 4 → 3 × 4 × 3 → 6 → 4.
WHOLE = cnn(
    conv(4, 3, padding=1),
    activation("relu"),
    pool("max", 2, 2),
    {"dropout": 0.2},
    conv(3, 2, padding=1, bias="per_position"),
    activation("tanh"),
    pool("average", 2, 1),
    {"dropout": 0.35},
    "flatten",
    {"dense": {"units": 6}},
    activation({"type": "leaky_relu", "alpha": 0.1}),
)
WHOLE_SHAPES = {
    **conv_shapes(1, (4, 1, 3, 3), (4,)),
    **conv_shapes(2, (3, 4, 2, 2), (3, 5, 4)),
    **dense_shapes(36, 6, 4),
}
# No bias right below a normalisation: its gradient is 0.
NORMALISED = {
    "type": "mlp",
    "hidden": [9, 7],
    "activation": "tanh",
    "batch_norm": {"momentum": 0.7, "epsilon": 1e-3},
    "dropout": 0.2,
    "bias": False,
}
NORMALISED_SHAPES = {
    **{name: shape for name, shape in DROPOUT_SHAPES.items() if name.endswith("weight")},
    **normal_shapes(1, 9),
    **normal_shapes(2, 7),
}
NORMALISED_MAPS = cnn(
    conv(4, 3, padding=1, bias="none"),
    {"batch_norm": {"momentum": 0.5}},
    activation("relu"),
    pool("max", 2, 2),
    conv(3, 2, padding=1, bias="none"),
    "batch_norm",
    activation("tanh"),
    "flatten",
    {"dense": {"units": 6}},
    activation("tanh"),
    "batch_norm",
)
NORMALISED_MAPS_SHAPES = {
    "conv1.weight": (4, 1, 3, 3),
    "conv2.weight": (3, 4, 2, 2),
    **dense_shapes(60, 6, 4),
    **{
        name: shape
        for number, channels in enumerate((4, 3, 6), 1)
        for name, shape in normal_shapes(number, channels).items()
    },
}
SEEN = [[0, 1], [2, 1], [0], [0, 1, 2]]
PARTIAL = cnn(
    conv(3, 3),
    activation("tanh"),
    conv(4, 3, 1, 1, connections=SEEN),
)
PARTIAL_SHAPES = {
    **conv_shapes(1, (3, 1, 3, 3), (3,)),
    **conv_shapes(2, (4, 3, 3, 3), (4,)),
    **dense_shapes(4 * 6 * 5, 4),
}
MOMENTUM = {"type": "sgd", "lr": 0.03, "momentum": 0.9}
ADAM = {"type": "adam", "lr": 0.005}
RMSPROP = {"type": "rmsprop", "lr": 0.003, "alpha": 0.9, "epsilon": 1e-6}

# (sections, shapes of the tensors)
CASES = {
    # Dropout in an MLP.
    "dropout": ({"model": DROPOUT}, DROPOUT_SHAPES),
    "dropout, momentum": ({"model": DROPOUT, "optimizer": MOMENTUM}, DROPOUT_SHAPES),
    "dropout, adam": ({"model": DROPOUT, "optimizer": ADAM}, DROPOUT_SHAPES),
    "dropout, another seed": ({"model": DROPOUT, "seed": 2**40 + 3}, DROPOUT_SHAPES),
    "dropout, summed": (
        {"model": DROPOUT, "loss": {"reduction": "sum"}, "optimizer": {"lr": 0.01}},
        DROPOUT_SHAPES,
    ),
    "dropout of pixels": ({"model": {**DROPOUT, "input_dropout": 0.2}}, DROPOUT_SHAPES),
    "dropout of pixels alone": (
        {"model": {**DROPOUT, "dropout": 0.0, "input_dropout": 0.5}, "optimizer": ADAM},
        DROPOUT_SHAPES,
    ),
    "dropout of nearly all": ({"model": {**DROPOUT, "dropout": 0.9}}, DROPOUT_SHAPES),
    # Batch normalisation.
    "normalised units": ({"model": NORMALISED}, NORMALISED_SHAPES),
    "normalised units, adam": ({"model": NORMALISED, "optimizer": ADAM}, NORMALISED_SHAPES),
    "normalised units, decay of all": (
        {"model": NORMALISED, "optimizer": {"type": "adamw", "lr": 0.005, "weight_decay": 0.3}},
        NORMALISED_SHAPES,
    ),
    "normalised units, penalised but for their scales": (
        {"model": NORMALISED, "regularization": {"l1": 1e-3, "l2": 2e-3}},
        NORMALISED_SHAPES,
    ),
    "a penalty on a scale": (
        {
            "model": NORMALISED,
            "regularization": {"l1": 1e-3, "l2": 2e-3, "layers": ["batch_norm2", "dense1"]},
        },
        NORMALISED_SHAPES,
    ),
    "a rate of the scales' own": (
        {"model": NORMALISED, "optimizer": {"lr": 0.1, "lr_scale": {"batch_norm*": 0.3}}},
        NORMALISED_SHAPES,
    ),
    "normalised maps": (
        {"model": NORMALISED_MAPS, "optimizer": MOMENTUM},
        NORMALISED_MAPS_SHAPES,
    ),
    "normalised maps, summed": (
        {"model": NORMALISED_MAPS, "loss": {"reduction": "sum"}, "optimizer": {"lr": 0.01}},
        NORMALISED_MAPS_SHAPES,
    ),
    # One convolution with each kind of bias.
    "shared bias": (
        {"model": cnn(conv(3, 3), activation("tanh"))},
        {**conv_shapes(1, (3, 1, 3, 3), (3,)), **dense_shapes(3 * 6 * 5, 4)},
    ),
    "a bias per position": (
        {"model": cnn(conv(2, 3, 2, 1, "per_position"), activation("sigmoid"))},
        {**conv_shapes(1, (2, 1, 3, 3), (2, 4, 4)), **dense_shapes(2 * 4 * 4, 4)},
    ),
    "no bias": (
        {"model": cnn(conv(3, 2, 3, 0, "none"), activation("relu"))},
        {**conv_shapes(1, (3, 1, 2, 2)), **dense_shapes(3 * 3 * 2, 4)},
    ),
    # Convolutions upon each other.
    "a wide stride and padding": (
        {"model": cnn(conv(3, 2, 1), activation("tanh"), conv(4, 5, 3, 3))},
        {
            **conv_shapes(1, (3, 1, 2, 2), (3,)),
            **conv_shapes(2, (4, 3, 5, 5), (4,)),
            **dense_shapes(4 * 3 * 3, 4),
        },
    ),
    "padding beyond the patch": (
        {"model": cnn(conv(2, 3), activation("tanh"), conv(2, 1, 1, 2, "per_position"))},
        {
            **conv_shapes(1, (2, 1, 3, 3), (2,)),
            **conv_shapes(2, (2, 2, 1, 1), (2, 10, 9)),
            **dense_shapes(2 * 10 * 9, 4),
        },
    ),
    "padding that keeps the size": (
        {"model": cnn(conv(3, 3, 1, "same"), activation("tanh"), conv(2, 5, 2, "same"))},
        {
            **conv_shapes(1, (3, 1, 3, 3), (3,)),
            **conv_shapes(2, (2, 3, 5, 5), (2,)),
            **dense_shapes(2 * 4 * 4, 4),
        },
    ),
    "padding by values": (
        {
            "model": cnn(
                {"pad": {"size": 2, "value": -1.0}},
                conv(3, 3),
                activation("tanh"),
                {"pad": {"size": 1, "value": 0.5}},
                conv(2, 4, 2),
            )
        },
        {
            **conv_shapes(1, (3, 1, 3, 3), (3,)),
            **conv_shapes(2, (2, 3, 4, 4), (2,)),
            **dense_shapes(2 * 5 * 4, 4),
        },
    ),
    "partial connections": ({"model": PARTIAL}, PARTIAL_SHAPES),
    "partial connections, adam and decay": (
        {"model": PARTIAL, "optimizer": {"type": "adamw", "lr": 0.01, "weight_decay": 0.1}},
        PARTIAL_SHAPES,
    ),
    "partial connections, penalised": (
        {"model": PARTIAL, "regularization": {"l1": 1e-3, "l2": 1e-3, "mode": "step"}},
        PARTIAL_SHAPES,
    ),
    # Pools.
    "max pool with overlap": (
        {"model": cnn(conv(3, 2), activation("tanh"), pool("max", 3, 2))},
        {**conv_shapes(1, (3, 1, 2, 2), (3,)), **dense_shapes(3 * 3 * 2, 4)},
    ),
    "max pool with gaps": (
        {"model": cnn(conv(3, 2), activation("tanh"), pool("max", 2, 3))},
        {**conv_shapes(1, (3, 1, 2, 2), (3,)), **dense_shapes(3 * 2 * 2, 4)},
    ),
    "average pool with overlap": (
        {"model": cnn(conv(3, 2), activation("tanh"), pool("average", 3, 2))},
        {**conv_shapes(1, (3, 1, 2, 2), (3,)), **dense_shapes(3 * 3 * 2, 4)},
    ),
    "max pool of ties": (
        {"model": cnn(conv(2, 2), activation("relu6"), pool("max", 4, 1))},
        {**conv_shapes(1, (2, 1, 2, 2), (2,)), **dense_shapes(2 * 4 * 3, 4)},
    ),
    # Anything anywhere.
    "from the image: activation, dropout and pool": (
        {
            "model": cnn(activation("tanh"), {"dropout": 0.1}, pool("average", 2, 1), conv(2, 3)),
        },
        {**conv_shapes(1, (2, 1, 3, 3), (2,)), **dense_shapes(2 * 5 * 4, 4)},
    ),
    "dropout on the image": (
        {"model": cnn({"dropout": 0.2}, "flatten", {"dense": {"units": 7}}, activation("relu"))},
        dense_shapes(HEIGHT * WIDTH, 7, 4),
    ),
    "after the last dense": (
        {
            "model": cnn(
                conv(2, 3),
                {"dense": {"units": 4, "bias": False}},
                activation("tanh"),
                {"dropout": 0.25},
            ),
        },
        {**conv_shapes(1, (2, 1, 3, 3), (2,)), "dense1.weight": (2 * 6 * 5, 4)},
    ),
    "no layer at all": ({"model": cnn()}, dense_shapes(HEIGHT * WIDTH, 4)),
    "two activations and no bias at the end": (
        {"model": cnn(conv(2, 3), activation("tanh"), activation("sigmoid"), bias=False)},
        {**conv_shapes(1, (2, 1, 3, 3), (2,)), "dense1.weight": (2 * 6 * 5, 4)},
    ),
    # Losses and penalties.
    "binary cross-entropy": (
        {
            "model": {**WHOLE, "output_activation": "sigmoid"},
            "loss": {"type": "binary_cross_entropy"},
        },
        WHOLE_SHAPES,
    ),
    "squared error of a softmax": ({"model": WHOLE, "loss": {"type": "mse"}}, WHOLE_SHAPES),
    "penalty on a convolution": (
        {"model": WHOLE, "regularization": {"l1": 1e-3, "l2": 2e-3, "layers": ["conv2"]}},
        WHOLE_SHAPES,
    ),
    "penalty on the last layer": (
        {"model": WHOLE, "regularization": {"l1": 0.01, "l2": 0.02, "layers": "last"}},
        WHOLE_SHAPES,
    ),
    "penalty by step on all": (
        {"model": WHOLE, "regularization": {"l1": 1e-3, "l2": 2e-3, "mode": "step"}},
        WHOLE_SHAPES,
    ),
    "rates of a convolution's own": (
        {"model": WHOLE, "optimizer": {"lr": 0.1, "lr_scale": {"conv*": 0.5, "*.bias": 0.1}}},
        WHOLE_SHAPES,
    ),
    "standardized": (
        {"model": WHOLE, "data": {"normalize": "standardize"}, "optimizer": {"lr": 0.02}},
        WHOLE_SHAPES,
    ),
    # The whole, with every kind of optimizer.
    "whole, sgd": ({"model": WHOLE}, WHOLE_SHAPES),
    "whole, momentum": ({"model": WHOLE, "optimizer": MOMENTUM}, WHOLE_SHAPES),
    "whole, nesterov": (
        {"model": WHOLE, "optimizer": {**MOMENTUM, "nesterov": True}},
        WHOLE_SHAPES,
    ),
    "whole, adam": ({"model": WHOLE, "optimizer": ADAM}, WHOLE_SHAPES),
    "whole, adamw": (
        {"model": WHOLE, "optimizer": {"type": "adamw", "lr": 0.005, "weight_decay": 0.3}},
        WHOLE_SHAPES,
    ),
    "whole, rmsprop": ({"model": WHOLE, "optimizer": RMSPROP}, WHOLE_SHAPES),
    "whole, one cycle": ({"model": WHOLE, "lr_schedule": {"type": "one_cycle"}}, WHOLE_SHAPES),
}
WHOLE_ONES = ["whole, sgd", "whole, momentum", "whole, adam"]


def prepared(case, folder, dtype="float64"):
    """The dataset, configuration and initial tensors of a case; 53 images, in batches of 10."""
    sections, shapes = case
    dataset = toy_dataset(side=HEIGHT, width=WIDTH, **sections.get("data", {}))
    tensors = random_tensors(shapes, scale=0.3)
    tensors |= {name: abs(one) for name, one in tensors.items() if name.endswith("variance")}
    if sections["model"] == PARTIAL:
        for one, maps in zip(tensors["conv2.weight"], SEEN, strict=True):
            one[[c for c in range(3) if c not in maps]] = 0
    path = write_npz(folder / "start.npz", tensors)
    sections = {"optimizer": {"lr": 0.1}, **sections}
    sections |= {
        "init": {"type": "file", "path": str(path)},
        "training": {"steps": STEPS, "batch_size": 10, "shuffle": "none", "dtype": dtype},
        "data": {"source": "digits"},
    }
    return dataset, config_of(**sections), tensors


def trained(case, folder, dtype="float64"):
    dataset, config, _ = prepared(case, folder, dtype)
    trainer = trainer_of(config, dataset)
    assert train(trainer)
    return trainer


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_engine_trains_as_the_equations_say(case, tmp_path):
    dataset, config, start = prepared(case, tmp_path)
    trainer = trainer_of(config, dataset)
    assert_engine_follows(trainer, LayeredOracle(config, dataset, start), STEPS)
    for name, before in start.items():
        assert distance(tensors_of(trainer)[name], before) > 1e-3, name


@pytest.mark.parametrize("side_by_side", [False, True])
@pytest.mark.parametrize(
    "name", [*WHOLE_ONES, "dropout", "max pool with overlap", "normalised maps"]
)
def test_the_work_divided_into_more_lanes_than_the_last_batch_has_rows_is_the_same(
    monkeypatch, name, side_by_side, tmp_path
):
    monkeypatch.setattr(lanes, "WORK_PER_LANE", 1)
    monkeypatch.setattr(lanes, "ROWS_PER_LANE", 1)
    if not side_by_side:  # where a tile of images stays in one lane, there are fewer
        monkeypatch.setattr(choice, "IMAGES_WORTH_TILES", 1_000)
    dataset, config, start = prepared(CASES[name], tmp_path)
    trainer = trainer_of(config, dataset)
    most = max(op.lanes for op in trainer.program.backward)
    assert most > 1 if side_by_side else most == 8
    assert len(dataset.train) % 10 == 3
    assert_engine_follows(trainer, LayeredOracle(config, dataset, start), STEPS)


@pytest.mark.parametrize("name", ["whole, momentum", "dropout, adam", "a bias per position"])
def test_float32_follows_float64_at_its_own_precision(name, tmp_path):
    short = trained(CASES[name], tmp_path, "float32")
    long = trained(CASES[name], tmp_path)
    assert short.params.dtype == np.float32
    assert 0 < distance(short.params.astype(np.float64), long.params) < 1e-4


# What must make a difference: if a key had no effect, its case would prove nothing.
OTHERWISE = {
    "no dropout": ("dropout", {**DROPOUT, "dropout": 0.0}),
    "another rate": ("dropout", {**DROPOUT, "dropout": 0.31}),
    "average for max": (
        "max pool with overlap",
        cnn(conv(3, 2), activation("tanh"), pool("average", 3, 2)),
    ),
    "another stride and padding": (
        "no bias",
        cnn(conv(3, 2, 4, 1, "none"), activation("relu")),
    ),
}


@pytest.mark.parametrize(("name", "model"), OTHERWISE.values(), ids=OTHERWISE)
def test_another_model_with_tensors_of_the_same_shapes_trains_differently(name, model, tmp_path):
    sections, shapes = CASES[name]
    one = trained(CASES[name], tmp_path)
    other = trained(({**sections, "model": model}, shapes), tmp_path)
    assert distance(other.params, one.params) > 1e-3


def test_the_seed_alone_changes_what_is_dropped(tmp_path):
    """The weights start from a file and the images are not shuffled."""
    one = trained(CASES["dropout"], tmp_path)
    other = trained(CASES["dropout, another seed"], tmp_path)
    assert distance(other.params, one.params) > 1e-3
