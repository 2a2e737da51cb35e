"""A configuration file is read, completed, and its paths made absolute."""

import pickle
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml
from pydantic import ValidationError

from mnistlab.blocks.activations.leaky_relu import LeakyReLU
from mnistlab.blocks.activations.relu import ReLU
from mnistlab.blocks.activations.sigmoid import Sigmoid
from mnistlab.blocks.inits import NormalBias, ZeroBias
from mnistlab.config import RunConfig, load_run_config, parse_run_config, run_config_from_mapping
from mnistlab.config.schema import run_json_schema
from mnistlab.support.errors import ConfigError


def parse(text: str, *overrides: str) -> RunConfig:
    return parse_run_config(text, "f.yaml", overrides)


def test_a_key_that_is_left_out_has_the_documented_default():
    config = parse("seed: 0")
    assert config == RunConfig()
    assert (config.name, config.data.source, config.data.validation) == ("mlp", "mnist", "auto")
    assert (config.model.type, config.model.hidden) == ("mlp", (128,))
    assert config.model.activation == ReLU()
    assert (config.optimizer.type, config.optimizer.lr) == ("sgd", 0.1)
    assert (config.training.epochs, config.training.steps) == (10, None)
    assert config.init.type == "he_normal"
    assert config.init.bias == ZeroBias()
    assert config.reference is None


def test_a_type_that_is_left_out_has_the_documented_default():
    config = parse("optimizer: {lr: 0.01, momentum: 0.9}\ninit: {bias: {type: normal}}")
    assert (config.optimizer.type, config.optimizer.momentum) == ("sgd", 0.9)
    assert (config.init.type, config.init.bias) == ("he_normal", NormalBias(std=1.0))


def test_a_name_that_is_left_out_is_the_type_of_the_model():
    assert parse("model: {type: softmax}").name == "softmax"


@pytest.mark.parametrize(
    ("written", "number"),
    [("1e-3", 1e-3), ("1.5e4", 1.5e4), ("1", 1.0), (".5", 0.5), ("2.", 2.0), ("+3E+1", 30.0)],
)
def test_a_number_is_read_as_science_writes_it(written, number):
    lr = parse(f"optimizer: {{lr: {written}}}").optimizer.lr
    assert lr == number
    assert isinstance(lr, float)


@pytest.mark.parametrize("word", ["yes", "no", "on", "off", "1:30", "1_000", "'1'", "'1e-3'", "y"])
def test_a_word_that_older_yaml_reads_as_a_number_or_boolean_is_a_text(word):
    assert parse(f"reference: {{source: {word}}}").reference.source == word.strip("'")


@pytest.mark.parametrize(
    ("written", "activation"),
    [
        ("leaky_relu", LeakyReLU(alpha=0.01)),
        ("{type: leaky_relu, alpha: 0.2}", LeakyReLU(alpha=0.2)),
        ("sigmoid", Sigmoid(k=1.0)),
        ("{type: relu}", ReLU()),
    ],
)
def test_an_activation_is_a_word_or_a_mapping(written, activation):
    assert parse(f"model: {{activation: {written}}}").model.activation == activation


@pytest.mark.parametrize(
    ("monitor", "mode"),
    [("val_loss", "min"), ("train_loss", "min"), ("val_accuracy", "max")],
)
def test_early_stopping_knows_which_way_its_monitor_is_better(monitor, mode):
    text = f"training: {{early_stopping: {{monitor: {monitor}}}}}"
    stopping = parse(text).training.early_stopping
    assert (stopping.mode, stopping.patience) == (mode, 5)


def test_steps_take_the_place_of_the_default_epochs():
    training = parse("training: {steps: 5}").training
    assert (training.epochs, training.steps) == (None, 5)


def test_a_layer_without_a_bias_of_its_own_starts_with_the_runs():
    init = parse(
        "init: {bias: {type: normal, std: 2}, layers: {dense1: {type: zeros}, "
        "dense2: {type: zeros, bias: zeros}}}"
    ).init
    assert init.layers["dense1"].bias == NormalBias(std=2.0)
    assert init.layers["dense2"].bias == ZeroBias()


def test_a_configuration_cannot_be_changed_once_made():
    with pytest.raises(ValidationError):
        parse("seed: 1").seed = 2


def test_a_configuration_survives_pickling():
    config = parse("init: {layers: {dense1: {type: normal, std: 1}}}")
    assert pickle.loads(pickle.dumps(config)) == config


def test_paths_are_relative_to_the_file_and_those_of_overrides_to_the_working_folder(
    tmp_path, monkeypatch
):
    (tmp_path / "configs").mkdir()
    (tmp_path / "elsewhere").mkdir()
    file = tmp_path / "configs" / "run.yaml"
    file.write_text(
        "data: {source: idx, path: ../mine}\n"
        "init: {type: file, path: w.safetensors, "
        "layers: {dense1: {type: file, path: /abs/w.safetensors}, "
        "dense2: {type: file, path: w2.safetensors}}}\n"
    )
    monkeypatch.chdir(tmp_path / "elsewhere")
    config = load_run_config(Path("../configs/run.yaml"), ["init.layers.dense2.path=near"])
    assert config.data.path == tmp_path / "mine"
    assert config.init.path == tmp_path / "configs" / "w.safetensors"
    assert config.init.layers["dense1"].path == Path("/abs/w.safetensors")
    assert config.init.layers["dense2"].path == tmp_path / "elsewhere" / "near"


def test_a_path_may_begin_with_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert parse("data: {source: idx, path: ~/mine}").data.path == tmp_path / "mine"


def test_a_byte_order_mark_and_windows_line_ends_are_no_matter(tmp_path):
    file = tmp_path / "run.yaml"
    file.write_bytes(b"\xef\xbb\xbfseed: 3\r\nname: x\r\n")
    config = load_run_config(file)
    assert (config.seed, config.name) == (3, "x")


def test_a_missing_file_names_those_near_it(tmp_path):
    (tmp_path / "quickstart.yaml").write_text("seed: 1")
    with pytest.raises(ConfigError, match=r"quickstrat.yaml: no such file; did you mean .*quickst"):
        load_run_config(tmp_path / "quickstrat.yaml")


def test_a_misspelt_folder_is_answered_with_the_file_meant(tmp_path):
    (tmp_path / "configs" / "sweeps").mkdir(parents=True)
    (tmp_path / "configs" / "sweeps" / "softmax.yaml").write_text("seed: 1")
    meant = str(tmp_path / "configs" / "sweeps" / "softmax.yaml")
    with pytest.raises(ConfigError, match=re.escape(f"no such file; did you mean {meant}?")):
        load_run_config(tmp_path / "confgs" / "sweep" / "sofmax.yaml")


def test_a_missing_folder_is_a_missing_file(tmp_path):
    with pytest.raises(ConfigError, match="no such file"):
        load_run_config(tmp_path / "nowhere" / "run.yaml")


def test_a_folder_is_no_configuration(tmp_path):
    with pytest.raises(ConfigError, match="is a folder"):
        load_run_config(tmp_path)


def test_a_path_through_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("seed: 1")
    with pytest.raises(ConfigError, match="cannot be read: Not a directory"):
        load_run_config(tmp_path / "file" / "run.yaml")


def test_text_that_is_not_utf8_is_refused_with_its_line(tmp_path):
    file = tmp_path / "run.yaml"
    file.write_bytes(b"seed: 1\nname: \xff\n")
    with pytest.raises(ConfigError, match=r"run.yaml:2: is not UTF-8 text \(byte 0xFF\)"):
        load_run_config(file)


def test_a_message_names_the_file_as_it_was_typed(tmp_path, monkeypatch):
    (tmp_path / "run.yaml").write_text("sed: 1")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"^\./run\.yaml:1:1: sed: "):
        load_run_config("./run.yaml")


def test_a_python_mapping_is_read_as_the_same_yaml_would_be():
    mapping = {"model": {"hidden": (32, 16)}, "data": {"source": "idx", "path": Path("/x")}}
    text = "{model: {hidden: [32, 16]}, data: {source: idx, path: /x}}"
    assert run_config_from_mapping(mapping) == parse(text)


@pytest.mark.parametrize(
    ("mapping", "culprit"),
    [
        ({"data": {3.5: 4}}, "configuration: data: found the key 3.5"),
        ({"data": {3: 4}}, "configuration: data.3: unknown key '3'"),
        ({"name": "a\0"}, "configuration: name: found the unprintable character U+0000"),
        ({"optimizer": {"lr": 10**400}}, "configuration: optimizer.lr: found a huge number"),
        ({"seed": {1, 2}}, "configuration: seed: found an object of type set"),
        ({"seed": float("nan")}, "configuration: seed: found nan"),
        ({"optimizer": {"lrr": 1}}, "configuration: optimizer.lrr: unknown key 'lrr'"),
    ],
)
def test_a_wrong_python_mapping_is_refused_with_the_path(mapping, culprit):
    with pytest.raises(ConfigError) as caught:
        run_config_from_mapping(mapping)
    assert str(caught.value).startswith(culprit)


def test_importing_the_configuration_imports_nothing_heavy():
    code = (
        "import sys, mnistlab.config; "
        "print({'numba', 'scipy', 'pandas', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("type", "lr"), [("sgd", 0.1), ("adam", 0.001), ("adamw", 0.001), ("rmsprop", 0.001)]
)
def test_each_optimizer_has_a_default_rate_that_suits_it(type, lr):
    assert parse(f"optimizer: {{type: {type}}}").optimizer.lr == lr
    assert parse("seed: 0", f"optimizer.type={type}").optimizer.lr == lr
    written_before = f"optimizer: {{type: {type}, lr: 0.1}}"
    assert parse(written_before).optimizer.lr == 0.1
    definitions = run_json_schema()["$defs"].values()
    (section,) = [
        one for one in definitions if one["properties"].get("type", {}).get("const") == type
    ]
    assert section["properties"]["lr"]["default"] == lr


BARE = ("model: softmax", "optimizer: adam", "init: zeros", "lr_schedule: cosine")


@pytest.mark.parametrize(
    "line",
    [
        *BARE,
        *("model: cnn", "lr_schedule: constant", "loss: cross_entropy", "lr_schedule: one_cycle"),
        *("optimizer: rmsprop", "init: glorot_uniform", "init: {layers: {dense1: zeros}}"),
    ],
)
def test_a_bare_name_is_the_mapping_of_that_type_alone(line):
    key, name = line.split(": ", 1)
    whole = line.replace(" zeros", " {type: zeros}") if "{" in name else f"{key}: {{type: {name}}}"
    assert parse(line) == parse(whole) == parse("seed: 0", f"{key}={name}")
    validator = jsonschema.Draft202012Validator(run_json_schema())
    assert list(validator.iter_errors(yaml.safe_load(line))) == []


def test_keys_are_set_within_a_bare_name():
    found = parse("\n".join(BARE), "optimizer.lr=0.5", "model.bias=false", "init.bias=normal")
    assert found.name == found.model.type == "softmax"
    assert (found.optimizer.type, found.optimizer.lr) == ("adam", 0.5)
    assert (found.init.type, found.init.bias) == ("zeros", NormalBias())
    mlp = parse("model: {activation: sigmoid}", "model.activation.k=0.5")
    assert mlp.model.activation == Sigmoid(k=0.5)
    assert parse("model: mlp", "loss=mse", "loss.reduction=sum").loss.reduction == "sum"


def test_the_schema_has_no_bare_name_of_a_type_that_needs_keys():
    validator = jsonschema.Draft202012Validator(run_json_schema())
    for line in ("lr_schedule: step", "init: normal", "init: file"):
        with pytest.raises(ConfigError, match="must be given"):
            parse(line)
        assert list(validator.iter_errors(yaml.safe_load(line)))


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("{hidden: 64}", "{hidden: [64]}"),
        ("{type: cnn, layers: [dense: 10]}", "{type: cnn, layers: [dense: {units: 10}]}"),
    ],
)
def test_a_bare_number_of_units_means_the_list_or_mapping_of_it(short, full):
    assert parse_run_config(f"model: {short}", "f").model == (
        parse_run_config(f"model: {full}", "f").model
    )


def test_epochs_may_be_keys_written_as_numbers():
    text = "lr_schedule: {type: milestones, at: {3: 0.5, 8: 0.1}}"
    config = parse(text)
    assert config.lr_schedule.at == {"3": 0.5, "8": 0.1}
    mapping = {"lr_schedule": {"type": "milestones", "at": {3: 0.5, 8: 0.1}}}
    assert run_config_from_mapping(mapping) == config
