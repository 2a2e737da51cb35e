"""Anchors, aliases and merge keys: a value is written once and used several times."""

import pytest

from mnistlab.config import parse_run_config
from mnistlab.config.load_sweep import load_sweep
from mnistlab.support.errors import ConfigError


def refused(text):
    with pytest.raises(ConfigError) as caught:
        parse_run_config(text, "f.yaml")
    return caught.value.messages


def test_an_alias_means_the_value_with_its_anchor():
    text = "seed: &seed 7\ndata: {train_limit: *seed}\nmodel: {hidden: &h [8, 4]}\nname: x"
    config = parse_run_config(text, "f.yaml")
    assert (config.seed, config.data.train_limit, config.model.hidden) == (7, 7, (8, 4))


def test_a_merge_brings_the_keys_that_a_mapping_does_not_set_itself():
    text = """
init:
  layers:
    dense1: &wide {type: normal, std: 0.5, bias: {type: normal, std: 2.0}}
    dense2: {std: 0.1, <<: *wide}
    dense3: {<<: [{std: 0.2}, *wide]}
model: {hidden: [4, 4]}
"""
    layers = parse_run_config(text, "f.yaml").init.layers
    assert [layers[f"dense{n}"].std for n in (1, 2, 3)] == [0.5, 0.1, 0.2]
    assert {layer.bias.std for layer in layers.values()} == {2.0}


def test_a_copy_is_changed_by_itself():
    text = "init: {layers: {dense1: &a {type: normal, std: 1.0}, dense2: *a}}"
    init = parse_run_config(text, "f.yaml", ["init.layers.dense2.std=3.0"]).init
    assert (init.layers["dense1"].std, init.layers["dense2"].std) == (1.0, 3.0)


def test_anchors_serve_in_the_file_of_a_sweep(tmp_path):
    path = tmp_path / "sweep.yaml"
    path.write_text(
        "run: {model: softmax}\nparameters:\n  optimizer.lr: &v [0.1, 0.2]\n  regularization.l2: *v"
    )
    assert load_sweep(path).config.parameters["regularization.l2"] == [0.1, 0.2]


def test_an_error_points_to_the_position_of_the_value():
    text = "init:\n  layers:\n    dense1: &a {type: normal, std: -1}\n    dense2: *a"
    assert list(refused(text)) == [
        "f.yaml:3:36: init.layers.dense1.std: found -1, must be greater than 0",
        "f.yaml:3:36: init.layers.dense2.std: found -1, must be greater than 0",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seed: *a", "f.yaml:1:7: seed: found *a; no value before it has the anchor &a"),
        (
            "data: &a {path: *a}",
            "f.yaml:1:17: data.path: found *a inside the value of its own anchor",
        ),
        ("seed: &a 1\nname: &a x", "f.yaml:2:7: name: found the anchor &a a second time"),
        ("&a seed: 1", "f.yaml:1:1: found &a; an anchor belongs before a value"),
        ("name: &a x\n*a : 1", "f.yaml:2:1: found *a; a key must be a word, not an alias"),
        ("data: {<<: 5}", "f.yaml:1:12: data.<<: found 5, must be a mapping, or a list of"),
        ("data: {<<: {}, <<: {}}", "f.yaml:1:16: data.<<: found twice"),
        ("data: {'<<': {}}", "f.yaml:1:8: data.<<: unknown key '<<'"),
    ],
)
def test_an_alias_or_a_merge_that_means_nothing_is_refused_at_its_place(text, said):
    assert refused(text)[0].startswith(said)
