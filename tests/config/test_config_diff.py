"""Which lines of a configuration are marked: those that differ from the defaults."""

import pytest

from mnistlab.config import RunConfig, dump_yaml, run_config_from_mapping
from mnistlab.config.config_diff import lines_with_changes


def marked(**sections) -> list[str]:
    config = run_config_from_mapping({"name": "mlp", **sections})
    return [line.strip() for line, changed in lines_with_changes(config) if changed]


def test_the_lines_are_the_whole_configuration_in_order():
    config = run_config_from_mapping({"model": {"type": "cnn", "layers": [{"dropout": 0.5}]}})
    assert [line for line, _ in lines_with_changes(config)] == dump_yaml(config).splitlines()


def test_nothing_is_marked_of_the_defaults_written_out():
    config = RunConfig()
    assert not any(changed for _, changed in lines_with_changes(config))
    assert marked(optimizer={"type": "sgd", "lr": config.optimizer.lr}, seed=0) == []


@pytest.mark.parametrize(
    ("sections", "expected"),
    [
        ({"seed": 3}, ["seed: 3"]),
        ({"optimizer": {"lr": 0.25}}, ["lr: 0.25"]),
        ({"model": {"hidden": [5, 6]}}, ["hidden: [5, 6]"]),
        # Of another type, its own defaults are not marked.
        ({"optimizer": {"type": "adam"}}, ["type: adam"]),
        ({"model": {"activation": "tanh"}}, ["activation: tanh"]),
        (
            {"model": {"activation": {"type": "leaky_relu", "alpha": 0.3}}},
            ["type: leaky_relu", "alpha: 0.3"],
        ),
        ({"init": {"type": "normal", "std": 0.2}}, ["type: normal", "std: 0.2"]),
        ({"training": {"steps": 7}}, ["steps: 7"]),
        ({"reference": {"test_accuracy": 0.9}}, ["reference:", "test_accuracy: 0.9"]),
        (
            {"model": {"type": "cnn", "layers": [{"conv": {"filters": 2, "kernel": 3}}]}},
            [
                *("type: cnn", "layers:", "- conv:", "filters: 2", "kernel: 3"),
                *("stride: 1", "padding: 0", "bias: shared", "connections: null"),
            ],
        ),
    ],
)
def test_what_differs_is_marked_and_no_other_line(sections, expected):
    assert marked(**sections) == expected
