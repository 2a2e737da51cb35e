"""A resolved configuration is complete, and loads unchanged."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mnistlab.config import (
    RunConfig,
    config_hash,
    dump_yaml,
    parse_run_config,
    resolved_mapping,
    run_config_from_mapping,
)
from mnistlab.config.load_sweep import parse_sweep

CONV = {"filters": 20, "kernel": 3, "stride": 1, "padding": 0, "bias": "per_position"}
LAYERS = [
    {"conv": {**CONV, "connections": None}},
    {"activation": "relu"},
    {"activation": {"type": "leaky_relu", "alpha": 0.2}},
    {"pool": {"type": "average", "size": 2, "stride": 2}},
    {"dropout": 0.4},
    {"batch_norm": {"momentum": 0.5, "epsilon": 1e-3}},
    "flatten",
    {"dense": {"units": 128, "bias": True}},
]

FILE = {"type": "file", "path": "/weights.safetensors"}
CONFIGS = [
    {},
    {"name": "1e-3"},
    {"name": "null"},
    {"name": "0x10"},
    {"seed": 2**63 - 1},
    {"data": {"source": "idx", "path": "/a folder/with: colon", "validation": 0.1}},
    {"data": {"validation": {"images": 0.1, "choose": "random"}}},
    {"data": {"validation": {"images": "auto", "choose": "stratified"}}},
    {"data": {"classes": [1, 9], "validation": 0, "train_limit": 7, "shuffle_once": True}},
    {"model": {"type": "softmax", "bias": False}},
    {"model": {"hidden": [], "activation": "tanh"}},
    {"model": {"hidden": [3, 4, 5], "activation": {"type": "sigmoid", "k": 0.5}}},
    {"model": {"dropout": 0.25}},
    {"model": {"batch_norm": True}},
    {"model": {"batch_norm": {"momentum": 0.5}}},
    {"model": {"type": "cnn", "layers": LAYERS}},
    {"loss": {"type": "mse", "reduction": "sum"}, "model": {"output_activation": "identity"}},
    {"loss": {"type": "binary_cross_entropy"}, "model": {"output_activation": "sigmoid"}},
    {"regularization": {"l1": 1e-5, "layers": ["dense2"], "mode": "proximal"}},
    {"init": {"type": "uniform", "low": -1, "high": 1, "bias": {"type": "normal", "std": 3}}},
    {"init": {"type": "variance_scaling", "scale": 2, "mode": "fan_sum"}},
    {"init": {"type": "poisson", "lam": 1, "factor": -0.1}},
    {"init": FILE},
    {"init": {**FILE, "bias": "normal", "layers": {"dense1": {"type": "zeros"}}}},
    {"init": {"bias": "normal", "layers": {"dense1": FILE}}},
    {"init": {"layers": {"dense1": {"type": "normal", "std": 1.0}, "dense2": {"bias": "zeros"}}}},
    {"optimizer": {"type": "adam", "epsilon": 1e-8, "lr": 1e-3}},
    {"optimizer": {"type": "adamw", "lr_scale": {"*.bias": 0.03125, "dense1.weight": 0.1}}},
    {"optimizer": {"type": "rmsprop", "alpha": 0.5}},
    {"optimizer": {"momentum": 0.9, "nesterov": True, "velocity": "step"}},
    {"lr_schedule": {"type": "step", "factor": 0.5, "every": 3}},
    {"lr_schedule": {"type": "exponential", "gamma": 0.9}},
    {"lr_schedule": {"type": "linear", "final": 0.01, "steps": 9, "restart_every_epoch": True}},
    {"lr_schedule": {"type": "inverse_time", "decay": 1e-4}},
    {"lr_schedule": {"type": "cosine", "cycles": 2, "warmup": 5}},
    {"lr_schedule": {"type": "one_cycle"}},
    {"training": {"steps": 100, "batch_size": "full", "evaluate_every": 10}},
    {"training": {"early_stopping": {"monitor": "val_accuracy"}}},
    {"reference": {"source": "Le “Cun”: no\nyes", "test_accuracy": 0.9, "val_objective": -1}},
]


@pytest.mark.parametrize("mapping", CONFIGS, ids=repr)
def test_the_resolved_yaml_loads_as_the_equal_configuration(mapping):
    config = run_config_from_mapping(mapping)
    text = dump_yaml(config)
    again = parse_run_config(text, "resolved")
    assert again == config
    assert dump_yaml(again) == text
    assert config_hash(again) == config_hash(config)


def test_the_resolved_yaml_has_every_key_in_the_documented_order():
    resolved = yaml.safe_load(dump_yaml(RunConfig()))
    assert list(resolved) == [key for key in RunConfig.model_fields if key != "base"]
    assert list(resolved["init"]) == ["type", "bias", "layers"]
    assert list(resolved["optimizer"]) == [
        "type",
        "lr",
        "momentum",
        "nesterov",
        "velocity",
        "lr_scale",
        "clip_value",
        "clip_norm",
    ]
    assert resolved["model"] == {
        "type": "mlp",
        "hidden": [128],
        "activation": "relu",
        "batch_norm": None,
        "dropout": 0.0,
        "input_dropout": 0.0,
        "bias": True,
        "output_activation": "softmax",
    }


def test_the_layers_of_a_cnn_are_written_as_they_were_read():
    config = run_config_from_mapping({"model": {"type": "cnn", "layers": LAYERS}})
    assert resolved_mapping(config)["model"]["layers"] == LAYERS


def test_pooling_strides_by_its_size_by_default():
    config = run_config_from_mapping({"model": {"type": "cnn", "layers": [{"pool": {"size": 3}}]}})
    assert config.model.layers[0].pool.stride == 3


def test_a_dotted_override_of_the_resolved_yaml_still_loads():
    text = dump_yaml(run_config_from_mapping({"model": {"type": "cnn", "layers": LAYERS}}))
    config = parse_run_config(text, "resolved", ["model.layers.0.conv.bias=none"])
    assert config.model.layers[0].conv.bias == "none"


def test_the_hash_depends_on_the_configuration_and_not_on_its_notation():
    written = parse_run_config("optimizer: {lr: 1}\nseed: 0", "f.yaml")
    otherwise = parse_run_config("seed: 0\noptimizer: {type: sgd, lr: 1.0e+0}", "f.yaml")
    assert config_hash(written) == config_hash(otherwise)
    assert config_hash(written) != config_hash(RunConfig())
    assert len(config_hash(written)) == 64


@given(st.floats(min_value=0, exclude_min=True, allow_infinity=False))
def test_every_learning_rate_is_written_so_that_it_is_read_exactly(lr):
    config = run_config_from_mapping({"optimizer": {"lr": lr}})
    assert parse_run_config(dump_yaml(config), "f").optimizer.lr == lr


@given(st.from_regex(r"\A[A-Za-z0-9_-][A-Za-z0-9._-]{0,20}\Z"))
def test_every_name_is_written_so_that_it_is_read_as_a_name(name):
    config = run_config_from_mapping({"name": name})
    assert parse_run_config(dump_yaml(config), "f").name == name


def test_a_stated_figure_is_kept_to_its_last_zero_and_changes_no_hash():
    stated = "reference: {test_accuracy: 0.93400, test_loss: 3.0e-1, seconds: 60}\n"
    config = parse_run_config(stated, "a.yaml")
    text = dump_yaml(config)
    assert "test_accuracy: 0.93400\n" in text
    assert "test_loss: 3.0e-1\n" in text
    again = parse_run_config(text, "b.yaml")
    assert again == config
    assert dump_yaml(again) == text
    assert again.reference.model_dump()["test_accuracy"].text == "0.93400"
    assert config_hash(config) == config_hash(parse_run_config(stated.replace("00,", ","), "c"))


def test_a_sweep_keeps_the_stated_figures_of_its_points_and_of_its_run():
    text = (
        "run: {reference: {test_accuracy: 0.9100}}\nparameters: {optimizer.lr: [0.1, 0.2]}\n"
        "reference: [{parameters: {optimizer.lr: 0.1}, test_accuracy: 0.9310}]\n"
    )
    written = parse_sweep(text, "s.yaml").text()
    assert "test_accuracy: 0.9100\n" in written
    assert "test_accuracy: 0.9310\n" in written
    assert parse_sweep(written, "s.yaml").text() == written
