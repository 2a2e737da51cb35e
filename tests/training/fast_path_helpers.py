"""Runs with the kernels that skip zeros: a first layer on sparse images, a layer behind a ReLU."""

from itertools import pairwise

import pytest
from engine_helpers import (
    config_of,
    dark_dataset,
    random_tensors,
    toy_dataset,
    trainer_of,
    write_npz,
)
from layered_oracle import LayeredOracle

from mnistlab.blocks.layers.dense import choice
from mnistlab.runtime import builder, lanes

# The columns of a tile, by the width of a layer.
TILES = {width: choice.input_plan(32, width).tile for width in (33, 40, 100, 128, 200, 256)}
SPARSE_TILES = {
    width: choice.sparse_hidden_tile(width) for width in (32, 48, 64, 96, 100, 112, 128)
}
OPTIMIZERS = {
    "sgd": {"lr": 0.1},
    "momentum": {"lr": 0.02, "momentum": 0.9},
    "rising momentum": {"lr": 0.02, "momentum": {"from": 0.3, "to": 0.9, "epochs": 3}},
    "nesterov": {"lr": 0.02, "momentum": 0.9, "nesterov": True},
    "velocity of steps": {"lr": 0.02, "momentum": 0.9, "velocity": "step"},
    "adam": {"type": "adam", "lr": 0.005},
    "adamw": {"type": "adamw", "lr": 0.005, "weight_decay": 0.3},
    "rising nesterov": {
        "lr": 0.02,
        "momentum": {"from": 0.1, "to": 0.8, "epochs": 2},
        "nesterov": True,
    },
    "adagrad": {"type": "adagrad", "lr": 0.02, "epsilon": 1e-6},
    "adadelta": {"type": "adadelta", "rho": 0.9, "epsilon": 1e-4},
    "rmsprop": {"type": "rmsprop", "lr": 0.002, "epsilon": 1e-4},
}
PENALTIES = {
    "none": {},
    "gradient": {"l1": 1e-3, "l2": 2e-3},
    "step": {"l1": 1e-3, "l2": 2e-3, "mode": "step"},
    "proximal": {"l1": 3e-3, "l2": 2e-3, "mode": "proximal"},
}
IMAGES = 130


def divide_all_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Divide even little work, into as many lanes as its shape allows."""
    monkeypatch.setattr(lanes, "WORK_PER_LANE", 1)


def work_in_parts(monkeypatch: pytest.MonkeyPatch, rows: int = 20) -> None:
    """Process a batch of more than `rows` in parts."""
    monkeypatch.setattr(builder, "MOST_ROWS", rows)


def skip_zeros_of_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let layers behind a ReLU skip zeros even with few inputs."""
    monkeypatch.setattr(choice, "INPUTS_WORTH_LISTING", 64)


def skip_zeros_by_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let small layers behind a ReLU or dropout skip zeros, forward by columns."""
    monkeypatch.setattr(choice, "INPUTS_WORTH_SKIPPING", 16)
    monkeypatch.setattr(choice, "TILE_WORTH_SKIPPING", 17)
    monkeypatch.setattr(choice, "ROWS_WORTH_SKIPPING", 1)


def mlp(*hidden, dropout=0.0, bias=True):
    return {
        "type": "mlp",
        "hidden": list(hidden),
        "activation": "relu",
        "dropout": dropout,
        "bias": bias,
    }


def cnn(units, *, bias=True, dropout=0.0, relu="relu", above="tanh", conv=(4, 3, 1)):
    """A convolution (filters, kernel, padding), a ReLU, and a dense layer that skips its zeros."""
    conv = dict(zip(("filters", "kernel", "padding"), conv, strict=True))
    below = [{"conv": conv}, {"activation": relu}, {"dropout": dropout}, "flatten"]
    dense = {"units": units, "bias": bias}
    return {"type": "cnn", "layers": [*below, {"dense": dense}, {"activation": above}]}


def shapes_of(model, image_shape, classes=4):
    """The shapes of every tensor of `mlp` or `cnn`."""
    inputs, shapes = image_shape[0] * image_shape[1], {}
    layers = model.get("layers", [])
    hidden = [each["dense"]["units"] for each in layers if "dense" in each]
    widths, bias = [*model.get("hidden", hidden), classes], model.get("bias", True)
    if layers and "conv" in layers[0]:
        conv, dense = model["layers"][0]["conv"], model["layers"][-2]["dense"]
        filters, side = conv["filters"], conv["kernel"]
        shapes = {"conv1.weight": (filters, 1, side, side), "conv1.bias": (filters,)}
        taken = side - 1 - 2 * conv["padding"]
        inputs = filters * (image_shape[0] - taken) * (image_shape[1] - taken)
        bias = dense["bias"]
    for number, (fan_in, fan_out) in enumerate(pairwise([inputs, *widths]), 1):
        shapes[f"dense{number}.weight"] = (fan_in, fan_out)
        last_of_cnn = model["type"] == "cnn" and number == 2
        if bias or last_of_cnn:
            shapes[f"dense{number}.bias"] = (fan_out,)
    return shapes


def dataset_for(model):
    return dark_dataset(IMAGES) if model["type"] == "mlp" else toy_dataset(IMAGES, side=8, width=7)


def run_of(folder, model, batch, steps, optimizer="sgd", penalty="none", dataset=None, **sections):
    """A trainer in float64 and its oracle, from the same weights; images in their order."""
    dataset = dataset or dataset_for(model)
    start = random_tensors(shapes_of(model, dataset.image_shape), scale=0.1)
    settings = {
        "model": model,
        "optimizer": {**OPTIMIZERS[optimizer], **sections.pop("rates", {})},
        "regularization": {**PENALTIES[penalty], **sections.pop("regularization", {})},
        "init": {"type": "file", "path": str(write_npz(folder / "start.npz", start))},
        "training": {"batch_size": batch, "steps": steps, "shuffle": "none", "dtype": "float64"},
        **sections,
    }
    config = config_of(**settings)
    return trainer_of(config, dataset), LayeredOracle(config, dataset, start)


def ops_of(trainer):
    """The names of the functions that a step runs."""
    return [op.function.__name__ for op in trainer.program.training["step"]]


def assert_skips_zero_pixels(trainer, width):
    names, listing, kind = ops_of(trainer), "list_nonzero", "sparse_input"
    if trainer.length.batch == 1:
        listing, kind = "list_one", "one_image"
    assert names[0] == listing
    assert f"{kind}_forward_{TILES[width]}" in names
    assert f"{kind}_backward_weights_{TILES[width]}" in names
    assert "gather" not in names


def assert_skips_zero_inputs(trainer, width):
    names = ops_of(trainer)
    assert f"sparse_forward_{SPARSE_TILES[width]}" in names
    assert f"sparse_backward_{SPARSE_TILES[width]}" in names
