"""The keys that a command line can set, with values to try, and the datasets that can be
downloaded: the words for shell completion.

They come from the schema and the sources, and are stored in key_values.json, because completion is
too fast for either. `python -m docs.make_reference` rewrites that file; a test fails if it is out
of date.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("key_values.json")


def key_values(schema: Mapping[str, Any]) -> dict[str, list[str]]:
    """Every dotted key of a JSON Schema, with all allowed values, or its default."""
    found: dict[str, list[str]] = {}
    for key, value in _walk(schema, "", schema["$defs"]):
        values = found.setdefault(key, [])
        if value is not None and value not in values:
            values.append(value)
    return found


def _walk(
    node: Mapping[str, Any], key: str, definitions: Mapping[str, Any]
) -> Iterator[tuple[str, str | None]]:
    """(key, value) for every known value of a key, and (key, None) for every key."""
    if "$ref" in node:
        yield from _walk(definitions[node["$ref"].rpartition("/")[2]], key, definitions)
    for choice in node.get("anyOf", ()):
        yield from _walk(choice, key, definitions)
    for name, below in node.get("properties", {}).items():
        yield from _walk(below, f"{key}.{name}" if key else name, definitions)
    if key and not _is_section(node, definitions):
        yield key, None
        allowed = [node["const"]] if "const" in node else node.get("enum", [])
        for value in [True, False] if node.get("type") == "boolean" else allowed:
            yield key, _as_yaml(value)
        if isinstance(node.get("default"), str | int | float) and not allowed:
            yield key, _as_yaml(node["default"])


def _is_section(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> bool:
    """Whether the node is a mapping of keys, or a choice of such mappings."""
    if "$ref" in node:
        return _is_section(definitions[node["$ref"].rpartition("/")[2]], definitions)
    choices = [choice for choice in node.get("anyOf", ()) if choice != {"type": "null"}]
    return "properties" in node or (
        bool(choices) and all(_is_section(choice, definitions) for choice in choices)
    )


def _as_yaml(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def collected() -> dict[str, dict[str, list[str]]]:
    """The content of key_values.json: a run's keys, a sweep's own keys, and the datasets."""
    from mnistlab.config.load_sweep import SWEEP_KEYS
    from mnistlab.config.schema import run_json_schema, sweep_json_schema
    from mnistlab.data.sources import published

    own = key_values(sweep_json_schema())
    return {
        "run": key_values(run_json_schema()),
        "sweep": {key: own[key] for key in own if key.partition(".")[0] in SWEEP_KEYS},
        "data": {"fetch": list(published())},
    }


def as_text(keys: Mapping[str, Mapping[str, list[str]]]) -> str:
    """The file's text: a line for each key."""
    parts = []
    for kind, values in keys.items():
        lines = ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in values.items())
        parts.append(f'"{kind}": {{\n{lines}\n}}')
    return "{" + ",\n".join(parts) + "}\n"
