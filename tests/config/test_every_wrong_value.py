"""No value of any key is refused in the words of the library that validates, or in none at all."""

import copy
import itertools

import pytest

from mnistlab.config import run_config_from_mapping
from mnistlab.config.key_values import key_values
from mnistlab.config.load_sweep import sweep_from_mapping
from mnistlab.config.schema import run_json_schema, sweep_json_schema
from mnistlab.support.errors import ConfigError

VALUES = (
    None,
    True,
    0,
    -1,
    1.5,
    float("inf"),
    "x",
    "",
    [],
    ["x"],
    [{}],
    {},
    {"a": 1},
    "x" * 20_000,
)
KEYS = key_values(run_json_schema())
TYPES = {key.removesuffix(".type"): types for key, types in KEYS.items() if key.endswith(".type")}
OTHERS_WORDS = ("something else", "Input should", "Value error", "pydantic", "validation error")
LAYER_KEYS = ["conv", "dense", "pool", "dropout", "activation", "flatten", "batch_norm"]


def nested(key, value):
    for part in reversed(key.split(".")):
        value = {part: value}
    return value


def merged(base, more):
    base = copy.deepcopy(base)
    for key, value in more.items():
        both = isinstance(value, dict) and isinstance(base.get(key), dict)
        base[key] = merged(base[key], value) if both else value
    return base


def messages_of(load, mapping):
    try:
        load(mapping)
    except ConfigError as error:
        return error.messages
    return []


def bases_of(key):
    """Configurations in which the key may stand: of each type of its section."""
    block = key.rpartition(".")[0]
    return [{}, *(nested(block, {"type": kind}) for kind in TYPES.get(block, ()))]


@pytest.mark.parametrize("top", sorted({key.partition(".")[0] for key in KEYS}))
def test_a_wrong_value_of_a_run_is_refused_in_plain_words(top):
    told = [
        message
        for key in KEYS
        if key.partition(".")[0] == top
        for base, value in itertools.product(bases_of(key), VALUES)
        for message in messages_of(run_config_from_mapping, merged(base, nested(key, value)))
    ]
    assert told
    assert [one for one in told if any(word in one for word in OTHERS_WORDS)] == []


def test_a_wrong_value_in_a_layer_is_refused_in_plain_words():
    told = [
        message
        for kind, value in itertools.product(LAYER_KEYS, VALUES)
        for message in messages_of(
            run_config_from_mapping, {"model": {"type": "cnn", "layers": [{kind: value}]}}
        )
    ]
    assert told
    assert [one for one in told if any(word in one for word in OTHERS_WORDS)] == []


def test_a_wrong_value_of_a_sweep_is_refused_in_plain_words():
    base = {"run": {}, "parameters": {"optimizer.lr": [0.1, 0.2]}}
    keys = [key for key in key_values(sweep_json_schema()) if not key.startswith("run.")]
    told = [
        message
        for key, value in itertools.product(keys, VALUES)
        for message in messages_of(sweep_from_mapping, merged(base, nested(key, value)))
    ]
    assert told
    assert [one for one in told if any(word in one for word in OTHERS_WORDS)] == []
