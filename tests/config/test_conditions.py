"""Conditions on the values of a trial."""

import pytest

from mnistlab.config.conditions import holds

VALUES = {
    "optimizer": {"type": "sgd", "momentum": 0.9},
    "model": "cnn",
    "lr": 0.1,
    "bias": True,
    "hidden": [64, 32],
}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"lr": 0.1}, True),
        ({"lr": [0.2, 0.1]}, True),
        ({"lr": {"above": 0.1}}, False),
        ({"lr": {"above": 0.05, "below": 0.2}}, True),
        ({"lr": {"below": 0.1}}, False),
        ({"optimizer.type": "sgd"}, True),
        ({"optimizer.type": "adam"}, False),
        ({"optimizer.momentum": {"above": 0.5}}, True),
        ({"optimizer.beta1": 0.9}, False),
        ({"model.type": "cnn"}, True),
        ({"model.layers": "cnn"}, False),
        ({"bias": True}, True),
        ({"bias": 1}, False),
        ({"bias": {"above": 0}}, False),
        ({"hidden": [[64, 32]]}, True),
        ({"hidden": [64, 32]}, False),
        ({"lr": 0.1, "model.type": "mlp"}, False),
        ({"missing": None}, False),
    ],
)
def test_a_condition_holds_if_every_key_has_one_of_its_values(condition, expected):
    assert holds(condition, VALUES) is expected
