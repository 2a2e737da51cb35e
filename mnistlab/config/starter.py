"""The files that `mnistlab init` writes: a configuration with every key, and its schema.

The keys, their defaults and their comments are those of the configuration's sections, so that a new
key needs no second place.
"""

import json
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic.fields import FieldInfo

from mnistlab.blocks.section import Section, keys_of, type_of
from mnistlab.config.dump import resolved_mapping, value_as_yaml
from mnistlab.config.key_types import sections_of
from mnistlab.config.load import run_config_from_mapping
from mnistlab.config.run import RunConfig
from mnistlab.config.schema import run_json_schema

STARTER_NAME = "mnistlab.yaml"
SCHEMA_NAME = "mnistlab.schema.json"
WIDTH = 96
HEAD = f"""\
#
# One run of mnistlab:          mnistlab train {STARTER_NAME}
# One value changed for a run:  mnistlab train {STARTER_NAME} optimizer.lr=0.01
# Layers, memory, gradients:    mnistlab check {STARTER_NAME}
#
# All keys, most with their defaults. Every key is optional; a comment stands above its key.
"""
# What differs from the defaults: a network that is trained in seconds, without a download.
USUAL = {
    "data": {"source": "digits"},
    "optimizer": {"type": "sgd", "lr": 0.1, "momentum": 0.9},
    "lr_schedule": {"type": "cosine"},
    "training": {"epochs": 20},
}
LAYERS = [
    {"conv": {"filters": 8, "kernel": 3}},
    {"activation": "relu"},
    {"pool": {"type": "max", "size": 2, "stride": 2}},
    "flatten",
    {"dense": {"units": 32}},
    {"activation": "relu"},
]
MODELS: dict[str, dict[str, Any]] = {
    "mlp": {"hidden": [64]},
    "cnn": {"layers": LAYERS},
}


def starter_files(model: str = "mlp") -> dict[str, str]:
    """The text of each file by its name, for a model of this type.

    The configuration names the schema beside it.
    """
    chosen = {"name": f"my-first-{model}", "model": {"type": model, **MODELS.get(model, {})}}
    config = run_config_from_mapping({**chosen, **USUAL})
    head = f"{schema_line(SCHEMA_NAME)}\n{HEAD}"
    lines = [head.rstrip("\n"), *_keys(RunConfig, resolved_mapping(config), config)]
    return {
        STARTER_NAME: "\n".join(lines) + "\n",
        SCHEMA_NAME: schema_text(run_json_schema()),
    }


def schema_line(name: str) -> str:
    """The comment by which editors find the schema of this name beside a configuration."""
    return f"# yaml-language-server: $schema=./{name}"


def schema_text(schema: Mapping[str, Any]) -> str:
    """A JSON Schema as the text of its file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _keys(
    section: type[Section], written: Mapping[str, Any], config: Section | None, indent: str = ""
) -> Iterator[str]:
    """The lines of a section's keys. `written` are the values that stand in the file; a key without
    one is commented out. `config` holds the sections that were chosen.
    """
    for key, field in keys_of(section).items():
        if not indent:
            yield ""
        yield from _comment(_about(field), indent)
        names = [name for name, own in section.model_fields.items() if own is field]
        chosen = getattr(config, names[0]) if config is not None else None
        value = written.get(key, field.get_default(call_default_factory=True))
        if isinstance(value, Mapping) and isinstance(chosen, Section):
            yield f"{indent}{key}:"
            yield from _keys(type(chosen), value, chosen, f"{indent}  ")
            continue
        yield from _value(key, value, indent if key in written else f"{indent}# ")
        only = sections_of(field)
        if len(only) == 1 and "type" not in only[0].model_fields:  # a mapping may stand here, too
            inner = _keys(only[0], _defaults(only[0]), None, "  ")
            yield from (f"{indent}# {line}" for line in [f"{key}:", *inner])


def _value(key: str, value: Any, indent: str) -> Iterator[str]:
    """A key with its value; a list of layers has a line for each."""
    if isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        yield f"{indent}{key}:"
        yield from (f"{indent}  - {value_as_yaml(item)}" for item in value)
    else:
        yield f"{indent}{key}: {value_as_yaml(_plain(value))}"


def _plain(value: Any) -> Any:
    """A default as YAML has it."""
    if isinstance(value, Section):
        return value.model_dump(mode="json")
    return list(value) if isinstance(value, tuple) else value


def _defaults(section: type[Section]) -> dict[str, Any]:
    """The keys of a section with their defaults; null for one that must be given."""
    return {
        key: None if field.is_required() else _plain(field.get_default(call_default_factory=True))
        for key, field in keys_of(section).items()
    }


def _about(field: FieldInfo) -> str:
    """What a comment says of a key: its description, and what it may be where that does not say."""
    about = field.description or ""
    words = [str(word) for word in get_args(field.annotation) if isinstance(word, str)]
    if len(words) > 1 and not all(word in about for word in words):
        about += f" One of {', '.join(words)}."
    sections = sections_of(field)
    if len(sections) > 1:
        about += f" One of {', '.join(map(_kind, sections))}."
    return about.strip()


def _kind(section: type[Section]) -> str:
    """A type that can be chosen, with its keys: `leaky_relu {alpha}`."""
    keys = [key for key in keys_of(section) if key != "type"]
    if "type" not in section.model_fields and len(keys) == 1:  # a layer
        inner = sections_of(keys_of(section)[keys[0]])
        keys = [key for one in inner[:1] if len(inner) == 1 for key in keys_of(one)]
    return f"{type_of(section)} {{{', '.join(keys)}}}" if keys else type_of(section)


def _comment(text: str, indent: str) -> list[str]:
    return [f"{indent}# {line}" for line in textwrap.wrap(text, WIDTH - len(indent) - 2)]
