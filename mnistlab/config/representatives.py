"""Configurations of every kind: each key of the schema with representative values.

They come from the JSON Schema, so a new key or block is included without a change here.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import Any

COUNTS = (0, 1, 2, 3, 32)
NUMBERS = (0.0, 0.5, 1.0)

Schema = Mapping[str, Any]


class Representatives:
    """Values that a JSON Schema allows."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema

    def of(self, key: str) -> list[Any]:
        """The representative values of a key at the top."""
        return _distinct(self._values(self.schema["properties"][key]))

    def layers(self) -> list[Any]:
        """The representative items of a CNN's `layers`."""
        models = self.schema["$defs"]["CNNModel"]["properties"]["layers"]
        return _distinct(self._values(models["items"]))

    def _values(self, node: Schema) -> Iterator[Any]:
        """Each alternative; of a mapping, one key after another with all of its values, and each
        choice with each other key."""
        if "$ref" in node:
            node = self.schema["$defs"][node["$ref"].rpartition("/")[2]]
        for choice in (*node.get("anyOf", ()), *node.get("oneOf", ())):
            yield from self._values(choice)
        if "const" in node:
            yield node["const"]
        yield from node.get("enum", ())
        kinds = {
            "boolean": lambda: (True, False),
            "null": lambda: (None,),
            "integer": lambda: (count for count in COUNTS if allows(node, count)),
            "number": lambda: (number for number in NUMBERS if allows(node, number)),
            "array": lambda: ([value] for value in self._values(node["items"])),
            "object": lambda: self._mappings(node),
        }
        if "const" not in node and "enum" not in node and node.get("type") in kinds:
            yield from kinds[node["type"]]()

    def _mappings(self, node: Schema) -> Iterator[dict[str, Any]]:
        properties = node.get("properties", {})
        values = {name: list(self._values(below)) for name, below in properties.items()}
        needed = {
            name: below["const"] if "const" in below else next(iter(values[name]), None)
            for name, below in properties.items()
            if name in node.get("required", ()) or "const" in below
        }
        yield needed
        for name, allowed in values.items():
            for value in allowed:
                yield {**needed, name: value}
        choices = [name for name, allowed in values.items() if _is_choice(allowed)]
        for choice in choices:  # its effect may depend on another key
            for name in values.keys() - {choice}:
                for one, other in product(values[choice], values[name]):
                    yield {**needed, choice: one, name: other}


def _is_choice(values: Iterable[Any]) -> bool:
    """Whether a key is one of a few words, or a flag."""
    return all(isinstance(value, str | bool) for value in values)


def _distinct(values: Iterable[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found


def allows(node: Schema, value: float) -> bool:
    """Whether a number is within the bounds of a schema."""
    return (
        value >= node.get("minimum", value)
        and value <= node.get("maximum", value)
        and ("exclusiveMinimum" not in node or value > node["exclusiveMinimum"])
        and ("exclusiveMaximum" not in node or value < node["exclusiveMaximum"])
    )
