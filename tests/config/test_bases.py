"""`base: other.yaml`: a run's file says only what differs from another file."""

import pytest
import yaml

from mnistlab.blocks.section import keys_of
from mnistlab.config import (
    dump_yaml,
    load_run_config,
    parse_run_config,
    resolved_mapping,
    run_config_from_mapping,
)
from mnistlab.config.config_text import MARKS_BESIDE_BASE, SWEEP_MARKS
from mnistlab.config.load_sweep import load_sweep
from mnistlab.config.run import RunConfig
from mnistlab.config.sweep import SweepConfig
from mnistlab.support.errors import ConfigError


def written(folder, **texts):
    """The files `name.yaml` with these texts; the path of the last."""
    for name, text in texts.items():
        path = folder / f"{name}.yaml"
        path.write_text(text)
    return path


def refused(path, overrides=(), load=load_run_config):
    with pytest.raises(ConfigError) as caught:
        load(path, overrides)
    return [message.replace(f"{path.parent}/", "") for message in caught.value.messages]


def test_keys_hold_over_the_base_and_mappings_are_joined_key_by_key(tmp_path):
    path = written(
        tmp_path,
        a="seed: 3\noptimizer: {lr: 0.5, momentum: 0.9}\nmodel: {hidden: [64, 32], dropout: 0.1}",
        b="base: a.yaml\noptimizer: {lr: 0.01}\nmodel: {hidden: [16]}",
    )
    config = load_run_config(path)
    assert config.seed == 3
    assert (config.optimizer.lr, config.optimizer.momentum) == (0.01, 0.9)
    assert (config.model.hidden, config.model.dropout) == ((16,), 0.1)


def test_a_base_may_have_a_base_and_overrides_replace_all(tmp_path):
    path = written(
        tmp_path,
        a="seed: 1\noptimizer: {lr: 0.1}\nmodel: {dropout: 0.3}",
        b="base: a.yaml\nseed: 2\noptimizer: {lr: 0.2}",
        c="base: b.yaml\nseed: 3",
    )
    config = load_run_config(path, ["optimizer.lr=0.4"])
    assert (config.seed, config.optimizer.lr, config.model.dropout) == (3, 0.4, 0.3)


def test_the_resolved_file_needs_no_other_file(tmp_path):
    path = written(tmp_path, a="seed: 7\nmodel: cnn", b="base: a.yaml\noptimizer: adam")
    config = load_run_config(path)
    text = dump_yaml(config)
    assert "base" not in yaml.safe_load(text)
    (tmp_path / "a.yaml").unlink()
    assert parse_run_config(text, "config.yaml") == config


def test_another_type_loses_the_keys_of_the_bases_type_alone(tmp_path, caplog):
    base = "optimizer: {momentum: 0.9, lr: 0.3, lr_scale: {'*.bias': 0.5}}\nmodel: {hidden: [8]}"
    path = written(tmp_path, a=base, b="base: a.yaml\noptimizer: adam\nmodel: {type: softmax}")
    config = load_run_config(path)
    assert (config.optimizer.type, config.optimizer.lr) == ("adam", 0.3)
    assert config.optimizer.lr_scale == {"*.bias": 0.5}
    assert config.model.type == "softmax"
    assert caplog.text == ""


def test_a_bare_type_in_the_base_can_be_given_keys(tmp_path):
    path = written(tmp_path, a="optimizer: adam", b="base: a.yaml\noptimizer: {lr: 0.002}")
    assert load_run_config(path).optimizer.model_dump().items() >= {("type", "adam"), ("lr", 0.002)}


def test_null_takes_a_section_of_the_base_away(tmp_path):
    stopping = "training: {early_stopping: {patience: 2}, epochs: 4}"
    path = written(
        tmp_path, a=stopping, b="base: a.yaml\ntraining: {early_stopping: null, batch_size: 8}"
    )
    training = load_run_config(path).training
    assert (training.early_stopping, training.epochs, training.batch_size) == (None, 4, 8)


def test_a_path_is_relative_to_its_file(tmp_path):
    (tmp_path / "deep").mkdir()
    written(tmp_path / "deep", a="data: {source: idx, path: images}")
    path = written(tmp_path, b="base: deep/a.yaml\ninit: {type: file, path: start.npz}")
    config = load_run_config(path)
    assert config.data.path == tmp_path / "deep" / "images"
    assert config.init.path == tmp_path / "start.npz"


def test_errors_of_all_files_are_reported_at_their_positions(tmp_path):
    path = written(
        tmp_path,
        a="optimizer:\n  lr: -1\n  momentum: 0.5\nseed: 1\nseed: 2",
        b="base: a.yaml\nmodel: {hidden: [0]}\noptimizer: {momentum: x}",
    )
    assert refused(path, ["training.epochs=0"]) == [
        "a.yaml:2:7: optimizer.lr: found -1, must be greater than 0",
        "a.yaml:5:1: seed: found the key 'seed' twice (first at line 4); keep one",
        "b.yaml:2:18: model.hidden.0: found 0, must be at least 1",
        "b.yaml:3:23: optimizer.momentum: found 'x', must be a number, or a mapping "
        "such as {from: 0.5, to: 0.95, epochs: 20}",
        "command line: training.epochs=0: training.epochs: found 0, must be at least 1",
    ]


def test_a_circle_is_refused_with_both_files_named(tmp_path):
    path = written(tmp_path, a="base: b.yaml", b="seed: 1\nbase: c.yaml", c="base: a.yaml")
    assert refused(path) == [
        "b.yaml:2:7: base: c.yaml: has a base that leads back to b.yaml; bases must not form a "
        "circle"
    ]
    (tmp_path / "link.yaml").symlink_to(tmp_path / "self.yaml")
    path = written(tmp_path, self="base: link.yaml")
    assert refused(path) == [
        "self.yaml:1:7: base: link.yaml: is this file itself; a base must be another file"
    ]


@pytest.mark.parametrize(
    ("base", "said"),
    [
        ("c.yaml", "b.yaml:1:7: base: c.yaml: no such file"),
        ("[x]", "b.yaml:1:7: base: found a list, must be the path of a run's YAML file"),
        ("''", "b.yaml:1:7: base: found '', must be the path of a run's YAML file"),
        ("sweep.yaml", "b.yaml:1:7: base: sweep.yaml: is the file of a sweep (it has parameters)"),
        ("torn.yaml", "b.yaml:1:7: base: torn.yaml:1:5: not valid YAML"),
    ],
)
def test_an_unusable_base_is_refused_at_its_position(base, said, tmp_path):
    files = {"torn": "a: b: c", "sweep": "base: b.yaml\nparameters: {seed: [1]}"}
    message = refused(written(tmp_path, **files, b=f"base: {base}\nseed: 1"))[0]
    assert message.startswith(said)


def test_every_key_that_only_a_sweep_has_tells_a_sweep_with_a_base_from_a_run():
    of_run, of_sweep = (keys_of(one) for one in (RunConfig, SweepConfig))
    assert {*SWEEP_MARKS, *MARKS_BESIDE_BASE} == of_sweep.keys() - of_run.keys()


def test_a_union_of_grids_may_have_a_base(tmp_path):
    path = written(tmp_path, a="seed: 1", b="base: a.yaml\ngrids: [{seed: [1]}, {seed: [2, 3]}]")
    assert len(list(load_sweep(path).config.blocks())) == 2
    assert refused(path)[0].endswith("is the file of a sweep; `mnistlab sweep` runs it")


def test_a_base_belongs_in_a_file(tmp_path):
    path = written(tmp_path, a="seed: 1", b="seed: 2")
    (message,) = refused(path, ["base=a.yaml"])
    assert message.startswith("command line: base=a.yaml: base: belongs in the file of a run")
    source = load_sweep(path, ["base=a.yaml,b.yaml"])
    value = source.root.at(("parameters", "base", 0))
    (problem,) = source.run_config({"base": value})[1]
    assert str(problem).startswith("command line: base=a.yaml,b.yaml: base: belongs in the file")


def test_a_null_base_is_none():
    assert parse_run_config("base: null", "f.yaml") == parse_run_config("seed: 0", "f.yaml")


def test_a_mapping_may_have_a_base(tmp_path):
    path = written(tmp_path, a="seed: 5")
    assert run_config_from_mapping({"base": path, "optimizer": "adam"}).seed == 5


def test_the_base_of_a_sweep_may_have_a_base_and_so_may_its_run(tmp_path):
    written(tmp_path, a="seed: 5\noptimizer: {momentum: 0.9}", b="base: a.yaml\nmodel: softmax")
    values = "parameters: {optimizer.lr: [1, 2]}"
    for text in (f"base: b.yaml\n{values}", f"run: {{base: a.yaml, model: softmax}}\n{values}"):
        source = load_sweep(written(tmp_path, sweep=text))
        config, problems = source.run_config({})
        assert problems == []
        assert (config.seed, config.model.type, config.optimizer.momentum) == (5, "softmax", 0.9)
        assert "base" not in source.mapping()["run"]


def test_a_file_with_a_base_is_a_run_unless_it_has_keys_of_a_sweep(tmp_path):
    path = written(tmp_path, a="seed: 5", b="base: a.yaml\nname: b")
    short = load_sweep(path, ["optimizer.lr=0.1,0.2"])
    assert (short.config.name, short.config.run["seed"]) == ("b-sweep", 5)
    path = written(tmp_path, c="base: a.yaml\nseeds: 2")
    assert refused(path) == ["c.yaml: is the file of a sweep; `mnistlab sweep` runs it"]


def test_a_configuration_with_a_base_has_the_resolved_form_of_one_without(tmp_path):
    path = written(tmp_path, a="seed: 5\noptimizer: adam", b="base: a.yaml\nname: x")
    whole = parse_run_config("name: x\nseed: 5\noptimizer: adam", "whole.yaml")
    assert resolved_mapping(load_run_config(path)) == resolved_mapping(whole)
