"""The files that mnistlab ships or writes for its user: examples, starter and JSON Schema."""

import itertools
import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from mnistlab.config import RunConfig, dump_yaml, load_run_config, parse_run_config
from mnistlab.config.load_sweep import load_sweep
from mnistlab.config.schema import run_json_schema
from mnistlab.config.starter import starter_files
from mnistlab.sweeps.space import checked_points

CONFIGS = Path(__file__).parents[2] / "configs"
EXAMPLES = ["quickstart", "mnist-softmax", "mnist-mlp", "mnist-cnn"]
BEST = [CONFIGS / "best" / f"{name}.yaml" for name in ("softmax", "mlp", "cnn")]


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_loads_and_carries_its_files_name(name):
    assert load_run_config(CONFIGS / f"{name}.yaml").name == name


@pytest.mark.parametrize("path", BEST, ids=lambda path: path.stem)
def test_a_best_recipe_trains_on_all_images_and_looks_at_the_test_set_at_its_end(path):
    config = load_run_config(path)
    assert config.name == f"best-{path.stem}"
    assert (config.data.source, config.data.validation_images) == ("mnist", 0)
    assert config.training.test == "end"


def test_the_seeds_of_the_best_cnn_change_nothing_else():
    sweep = load_sweep(CONFIGS / "best" / "cnn-seeds.yaml")
    assert (sweep.config.seeds, sweep.config.parameters) == (5, {})
    config, problems = sweep.run_config({})
    assert problems == []
    assert dump_yaml(config) == dump_yaml(load_run_config(CONFIGS / "best" / "cnn.yaml"))


def test_the_members_of_the_best_ensemble_are_five_different_networks_on_all_images():
    configs = [config for *_, config in checked_points(load_sweep(CONFIGS / "best/ensemble.yaml"))]
    assert [config.seed for config in configs] == [0, 1, 2, 3, 4]
    for differing in ("model", "data"):
        assert len({repr(getattr(config, differing)) for config in configs}) == 5
    assert {(config.data.validation_images, config.training.test) for config in configs} == {
        (0, "end")
    }


def test_the_quickstart_needs_no_network():
    assert load_run_config(CONFIGS / "quickstart.yaml").data.source == "digits"


@pytest.mark.parametrize("model", ["softmax", "mlp", "cnn"])
def test_the_starter_of_each_model_trains_it_without_a_network(model):
    config = parse_run_config(starter_files(model)["mnistlab.yaml"], "mnistlab.yaml")
    assert (config.data.source, config.model.type) == ("digits", model)


def keys_in(text):
    """The keys of a starter by the path of their mapping, also those that are commented out.

    A comment that is no key has a space where a key has its colon.
    """
    found, above = {}, []
    for line in text.splitlines():
        if key := re.match(r"^( *)(?:# )?( *)([a-z_0-9]+):(?: |$)", line):
            depth = (len(key[1]) + len(key[2])) // 2
            above = [*above[:depth], key[3]]
            found.setdefault(tuple(above[:depth]), set()).add(key[3])
    return found


def sections_below(schema, node):
    """The mappings that a part of the schema allows, with their references resolved."""
    if "$ref" in node:
        node = schema["$defs"][node["$ref"].rpartition("/")[2]]
    if "properties" in node:
        yield node["properties"]
    for choice in (*node.get("anyOf", ()), *node.get("oneOf", ())):
        yield from sections_below(schema, choice)


def missing_keys(schema, properties, written, chosen, path=()):
    """The paths of the schema's keys that a starter lacks; `chosen` are its values."""
    yield from ((*path, key) for key in properties.keys() - written.get(path, set()))
    for key, node in properties.items():
        value = chosen.get(key)
        for below in sections_below(schema, node) if isinstance(value, dict) else ():
            if "type" not in below or below["type"].get("const") == value.get("type"):
                yield from missing_keys(schema, below, written, value, (*path, key))


@pytest.mark.parametrize("model", ["softmax", "mlp", "cnn"])
def test_the_starter_has_every_key_of_the_schema_and_a_comment_above_each(model):
    text = starter_files(model)["mnistlab.yaml"]
    assert max(map(len, text.splitlines())) <= 100
    schema, written, chosen = run_json_schema(), keys_in(text), yaml.safe_load(text)
    assert list(missing_keys(schema, schema["properties"], written, chosen)) == []
    assert len(written[()]) == len(schema["properties"])
    assert {"optimizer", "data", "training"} <= {path[0] for path in written if path}
    lines = text.splitlines()
    for above, line in itertools.pairwise(lines):
        if re.match(r" *[a-z_0-9]+:", line):
            assert above.lstrip().startswith("# "), line


def test_a_key_that_a_starter_lacks_is_found():
    schema, text = run_json_schema(), starter_files("mlp")["mnistlab.yaml"]
    for key, path in {
        "dropout": ("model",),
        "momentum": ("optimizer",),
        "l1": ("regularization",),
    }.items():
        without = re.sub(rf"(?m)^ *(# )?{key}:.*$", "", text)
        found = missing_keys(schema, schema["properties"], keys_in(without), yaml.safe_load(text))
        assert (*path, key) in list(found)


def test_what_the_starter_comments_out_loads_too():
    text = starter_files("mlp")["mnistlab.yaml"]
    for key in ("early_stopping", "validation"):
        text = re.sub(rf"(?m)^  {key}: .*$", "  #", text)
        text = re.sub(
            rf"(?m)^  # {key}:\n(  #   .*\n)+",
            lambda block: re.sub("(?m)^  # ", "  ", block[0]),
            text,
        )
    config = parse_run_config(text, "mnistlab.yaml")
    assert config.training.early_stopping.patience == 5
    assert config.data.validation_images == "auto"


def test_the_starter_names_the_schema_beside_it_in_its_first_line():
    files = starter_files()
    first = files["mnistlab.yaml"].splitlines()[0]
    assert first == "# yaml-language-server: $schema=./mnistlab.schema.json"
    assert json.loads(files["mnistlab.schema.json"]) == run_json_schema()


def test_the_schema_describes_every_key():
    schema = run_json_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    undescribed = [
        (name, key)
        for name, section in schema["$defs"].items()
        for key, value in section["properties"].items()
        if "description" not in value and "$ref" not in value
    ]
    assert undescribed == []
    assert list(schema["properties"]) == list(RunConfig.model_fields)


def test_the_schema_offers_values_defaults_and_short_forms():
    definitions = run_json_schema()["$defs"]
    assert "kmnist" in definitions["DataConfig"]["properties"]["source"]["enum"]
    assert definitions["SGD"]["properties"]["lr"]["default"] == 0.1
    activation = definitions["MLPModel"]["properties"]["activation"]
    assert "leaky_relu" in activation["anyOf"][0]["enum"]
    layers = definitions["CNNModel"]["properties"]["layers"]["items"]
    assert "flatten" in [choice.get("const") for choice in layers["anyOf"]]


def test_the_schema_requires_the_type_wherever_it_is_not_the_default():
    optimizers = run_json_schema()["properties"]["optimizer"]["anyOf"]
    sections = [choice for choice in optimizers if "$ref" in choice]
    required = {choice["$ref"].split("/")[-1]: choice.get("required") for choice in sections}
    assert {"SGD", "Adam", "AdamW", "RMSProp"} <= required.keys()
    for name, keys in required.items():
        assert keys == (None if name == "SGD" else ["type"]), name


def test_the_schema_allows_no_unknown_key():
    schema = run_json_schema()
    sections = [schema, *schema["$defs"].values()]
    assert all(section["additionalProperties"] is False for section in sections)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_schema_accepts_the_examples_and_their_resolved_form(name):
    validator = jsonschema.Draft202012Validator(run_json_schema())
    text = (CONFIGS / f"{name}.yaml").read_text()
    resolved = dump_yaml(parse_run_config(text, name))
    for document in (text, resolved):
        assert list(validator.iter_errors(yaml.safe_load(document))) == []
