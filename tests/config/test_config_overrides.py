"""KEY=VALUE on the command line sets any key by its dotted path."""

import pytest

from mnistlab.blocks.optimizers.adam import Adam
from mnistlab.blocks.optimizers.sgd import SGD
from mnistlab.config import parse_run_config
from mnistlab.support.errors import ConfigError

CNN = "model: {type: cnn, layers: [{conv: {filters: 2, kernel: 3}}, flatten]}"


@pytest.mark.parametrize(
    ("override", "read", "expected"),
    [
        ("optimizer.lr=1e-2", lambda c: c.optimizer.lr, 0.01),
        ("model.hidden=[256,128]", lambda c: c.model.hidden, (256, 128)),
        ("reference=null", lambda c: c.reference, None),
        ("reference.source=a=b", lambda c: c.reference.source, "a=b"),
        ("training.early_stopping.patience=3", lambda c: c.training.early_stopping.patience, 3),
        ("optimizer.lr_scale.dense1.bias=0.5", lambda c: c.optimizer.lr_scale["dense1.bias"], 0.5),
        ("optimizer.lr_scale.*.bias=2", lambda c: c.optimizer.lr_scale["*.bias"], 2.0),
        ("model.hidden.0=7", lambda c: c.model.hidden, (7, 16)),
        ("init.layers.dense1.type=zeros", lambda c: c.init.layers["dense1"].type, "zeros"),
    ],
)
def test_an_override_sets_its_key(override, read, expected):
    text = "model: {hidden: [32, 16]}\nreference: {test_loss: 1}\ntraining: {early_stopping: null}"
    assert read(parse_run_config(text, "f.yaml", [override])) == expected


def test_a_mapping_given_by_an_override_replaces_the_files():
    text = "optimizer: {type: adam, beta1: 0.8}"
    config = parse_run_config(text, "f.yaml", ["optimizer={type: sgd, lr: 0.5}"])
    assert config.optimizer == SGD(lr=0.5)


def test_the_later_override_wins():
    assert parse_run_config("seed: 1", "f.yaml", ["seed=2", "seed=3"]).seed == 3


def test_an_override_mends_a_wrong_value_of_the_file():
    assert parse_run_config("seed: -1", "f.yaml", ["seed=2"]).seed == 2


def test_an_override_reaches_into_the_layers_of_a_cnn():
    config = parse_run_config(CNN, "f.yaml", ["model.layers.0.conv.filters=9"])
    assert config.model.layers[0].conv.filters == 9


def test_keys_of_a_type_that_an_override_leaves_are_dropped(caplog):
    text = "optimizer:\n  lr: 0.2\n  momentum: 0.9"
    config = parse_run_config(text, "f.yaml", {"optimizer.type": "adam"})
    assert config.optimizer == Adam(lr=0.2)
    assert "dropped from the file: optimizer.momentum;" in caplog.text


def test_a_type_within_a_list_drops_the_other_type_s_keys_too(caplog):
    text = "lr_schedule: {type: phases, phases: [{epochs: 2, type: step, factor: 0.5, every: 1}]}"
    config = parse_run_config(text, "f.yaml", ["lr_schedule.phases.0.type=cosine"])
    assert config.lr_schedule.phases[0].type == "cosine"
    assert config.lr_schedule.phases[0].epochs == 2
    assert "dropped from the file: lr_schedule.phases.0.factor, lr_" in caplog.text
    text = "model: {type: cnn, layers: [{activation: {type: leaky_relu, alpha: 0.2}}]}"
    config = parse_run_config(text, "f.yaml", ["model.layers.0.activation.type=relu"])
    assert config.model.layers[0].activation.type == "relu"
    assert "dropped from the file: model.layers.0.activation.alpha;" in caplog.text


def test_a_misspelt_key_beside_a_type_that_an_override_changes_is_refused():
    with pytest.raises(ConfigError, match="unknown key 'beta'"):
        parse_run_config("optimizer: {beta: 0.9}", "f.yaml", ["optimizer.type=adam"])


@pytest.mark.parametrize(
    ("override", "rest"),
    [
        ("optimizer.lrr=0.1", "optimizer.lrr: unknown key 'lrr'; allowed here: type, lr, "),
        ("optimizer.lr=fast", "optimizer.lr: found 'fast', must be a number"),
        ("optimizer.lr=", "optimizer.lr: found nothing (null), must be a number"),
        ("seed", "must be KEY=VALUE"),
        ("=3", "the key before '='"),
        ("data..source=mnist", "the key before '='"),
        ("seed=[1", "not valid YAML"),
        ("seed=*a", "found *a; no value before it has the anchor &a"),
        ("seed=!!int 3", "found the tag"),
        ("data={source: mnist, source: digits}", "data.source: found the key 'source' twice"),
        ("name.first=x", "name: is 'run', a single value; 'first' is not in it"),
        ("model.hidden.2=3", "model.hidden.2: found '2', must be an index below 2"),
        ("model.hidden.x=3", "model.hidden.x: found 'x', must be an index below 2"),
        ("model.hidden.-1=3", "model.hidden.-1: found '-1', must be an index below 2"),
        ("name=../../x", "name: found '../../x', must be letters"),
    ],
)
def test_a_wrong_override_is_named_as_it_was_typed(override, rest):
    with pytest.raises(ConfigError) as caught:
        parse_run_config("name: run\nmodel: {hidden: [3, 4]}", "f.yaml", [override])
    assert str(caught.value).startswith(f"command line: {override}: {rest}")


def test_every_wrong_override_is_reported_at_once():
    with pytest.raises(ConfigError) as caught:
        parse_run_config("seed: 1", "f.yaml", ["a", "b=1", "seed=[", "name=ok"])
    assert [m.split(": ")[1] for m in caught.value.messages] == ["a", "seed=[", "b=1"]
