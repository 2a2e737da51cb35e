"""docs/configuration.md, made from the JSON Schemas of the configurations."""

from collections.abc import Mapping, Sequence
from typing import Any

from docs.markdown import NEEDED, anchor, cell, code, filled, first, number, paragraphs, plain
from mnistlab.config import RunConfig, dump_yaml, parse_run_config
from mnistlab.config.schema import run_json_schema, sweep_json_schema
from mnistlab.support.errors import ConfigError

Schema = Mapping[str, Any]

MISTAKES = """\
data: {source: idx, train_limit: 1e3}
model: {type: mlp, hidden: [64], activation: relux}
loss: {type: mse, type: binary_cross_entropy}
optimizer: {lr: -1, momentun: 0.9, beta1: 0.9}
regularization: {layers: [dense9]}
training: {epochs: 5, steps: 100}
"""


def configuration_markdown() -> str:
    """The text of docs/configuration.md."""
    run = Page(run_json_schema())
    run_lines = run.section("Run configuration", run.schema, (), 2)
    sweep = Page(sweep_json_schema(), before=run)
    # A sweep's `run` is a whole run configuration, which stands above.
    own = {**sweep.schema, "properties": {**sweep.schema["properties"]}}
    own["properties"]["run"] = {
        "description": own["properties"]["run"]["description"],
        "type": "a [run configuration](#run-configuration), or `null`",
        "default": None,
    }
    return filled(
        "configuration.md",
        defaults=dump_yaml(RunConfig()),
        mistakes=_mistakes(),
        run="\n".join(run_lines),
        sweep="\n".join(sweep.section("Sweep configuration", own, (), 3)),
    )


def _mistakes() -> str:
    try:
        parse_run_config(MISTAKES, "wrong.yaml")
    except ConfigError as error:
        return "\n".join(error.messages)
    raise AssertionError("a configuration full of mistakes was accepted")


class Page:
    """Sections made of one schema; what was shown once is linked to afterwards."""

    def __init__(self, schema: Schema, before: "Page | None" = None) -> None:
        self.schema = schema
        self.definitions: Mapping[str, Schema] = schema.get("$defs", {})
        # By title: the keys of a section, and the types of a union with the keys of all types.
        self.sections: dict[str, Schema] = dict(before.sections) if before else {}
        self.unions: dict[str, tuple[list[str], Schema]] = dict(before.unions) if before else {}

    def resolved(self, schema: Schema) -> Schema:
        """The schema that a reference stands for, the words beside the reference kept."""
        if "$ref" not in schema:
            return schema
        definition = self.definitions[schema["$ref"].removeprefix("#/$defs/")]
        required = [*definition.get("required", ()), *schema.get("required", ())]
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        return {**definition, **beside, "required": required}

    def choices(self, schema: Schema) -> list[Schema]:
        """The sections among which `type` chooses; none where the schema is no such union."""
        options = [self.resolved(option) for option in schema.get("anyOf", ())]
        return [option for option in options if "type" in option.get("properties", {})]

    def items(self, schema: Schema) -> list[Schema]:
        """The kinds of items of a list of layers."""
        if self.choices(schema.get("items", {})):
            return []
        options = [self.resolved(one) for one in schema.get("items", {}).get("anyOf", ())]
        return options if any("properties" in option for option in options) else []

    def single(self, schema: Schema) -> Schema | None:
        """The one section that a key holds, null or not."""
        options = [self.resolved(one) for one in schema.get("anyOf", [schema])]
        sections = [one for one in options if "properties" in one]
        return sections[0] if len(sections) == 1 and not self.choices(schema) else None

    def section(self, title: str, schema: Schema, path: tuple[str, ...], level: int) -> list[str]:
        """A heading, what the section is, its keys, and the sections within it."""
        lines = [f"{'#' * level} {title}", "", *paragraphs(schema)]
        keys: dict[str, Schema] = dict(schema["properties"])
        for other, known in self.sections.items():
            if known.keys() < keys.keys() and all(keys[key] == known[key] for key in known):
                lines += [f"All keys of [{other}](#{anchor(other)}), and:", ""]
                keys = {key: one for key, one in keys.items() if key not in known}
        self.sections.setdefault(title, schema["properties"])
        required = schema.get("required", ())
        return [*lines, *self.table(keys, required, path), *self.within(keys, path, level + 1)]

    def table(
        self, keys: Mapping[str, Schema], required: Sequence[str], path: tuple[str, ...]
    ) -> list[str]:
        """A line for each key."""
        if not keys:
            return []
        lines = ["| key | value | default | means |", "| --- | --- | --- | --- |"]
        for key, schema in keys.items():
            default = NEEDED if key in required else self.default(schema)
            cells = [f"`{key}`", self.values(schema, (*path, key)), default, self.means(schema)]
            lines.append("| " + " | ".join(map(cell, cells)) + " |")
        return [*lines, ""]

    def means(self, schema: Schema) -> str:
        """What a key means; pydantic leaves out words that its section's class has too."""
        return first(schema.get("description") or self.resolved(schema).get("description", ""))

    def default(self, schema: Schema) -> str:
        """A key's default; of a section its type, or that each of its keys has its own."""
        if "default" not in schema:
            return "empty"  # made anew for each configuration, and so no part of the schema
        default = schema["default"]
        if not isinstance(default, dict) or not default:
            return code(default)
        return code(default["type"]) if self.choices(schema) else "of each key"

    def within(self, keys: Mapping[str, Schema], path: tuple[str, ...], level: int) -> list[str]:
        """The sections of those keys that hold one."""
        lines = []
        for key, schema in keys.items():
            inner = (*path, key)
            title = ".".join(inner)
            if self.choices(schema):
                if self.known(schema) is None:
                    lines += self.union(title, schema, inner, level)
            elif self.items(schema):
                lines += self.listed(title, schema, inner, level)
            elif (single := self.single(schema)) is not None:
                lines += self.section(title, {**single, "description": ""}, inner, level)
            elif self.choices(schema.get("items", {})):
                lines += self.chosen_items(title, schema["items"], inner, level)
            elif "properties" in self.resolved(schema.get("items", {})):
                of_items = self.resolved(schema["items"])
                lines += self.section(f"an item of {title}", of_items, inner, level)
            else:
                inside = [self.resolved(one) for one in _alternatives(schema)]
                for one in [self.resolved(one.get("items", {})) for one in inside]:
                    if "properties" in one:
                        lines += self.section(f"an item of {title}", one, inner, level)
        return lines

    def union(self, title: str, schema: Schema, path: tuple[str, ...], level: int) -> list[str]:
        """The types of a section: the keys that all have, then each type's own."""
        options = self.choices(schema)
        default = self.default(schema).strip("`")
        common = _common(options)
        self.unions[title] = [_type(option) for option in options], common
        lines = [f"{'#' * level} {title}", "", "One of these types, chosen by `type`:", ""]
        own = {
            _type(one): {
                key: value
                for key, value in one["properties"].items()
                if key != "type" and key not in common
            }
            for one in options
        }
        lines += ["| type | means | its own keys |", "| --- | --- | --- |"]
        for one in options:
            name = _type(one)
            means = one["properties"]["type"].get("description") or first(one["description"])
            keys = ", ".join(f"`{key}`" for key in own[name])
            mark = " (default)" if name == default else ""
            lines.append(f"| `{name}`{mark} | {cell(means)} | {keys} |")
        lines.append("")
        if common:
            lines += ["Every type has:", "", *self.table(common, (), path)]
            lines += self.within(common, path, level + 1)
        for one in options:
            name = _type(one)
            if own[name]:
                # A description that begins with the type's name says no more than the table.
                told = [] if one["description"].startswith(name) else paragraphs(one)
                lines += [f"{'#' * (level + 1)} {title}: {name}", "", *told]
                lines += self.table(own[name], one.get("required", ()), path)
                lines += self.within(own[name], path, level + 2)
        return lines

    def chosen_items(
        self, title: str, items: Schema, path: tuple[str, ...], level: int
    ) -> list[str]:
        """The keys that every item of a list has in addition to its type's, which were shown."""
        known = self.known(items)
        assert known is not None, f"{title}: items of types that no section has"
        _, common = self.unions[known]
        added = {k: one for k, one in _common(self.choices(items)).items() if k not in common}
        lines = [f"{'#' * level} an item of {title}", ""]
        return [*lines, "In addition to the keys of its type:", "", *self.table(added, (), path)]

    def listed(self, title: str, schema: Schema, path: tuple[str, ...], level: int) -> list[str]:
        """The kinds of items of a list: `- conv: {…}`."""
        lines = [f"{'#' * level} {title}", "", "A list, each item of one of these kinds:", ""]
        lines += ["| item | value | means |", "| --- | --- | --- |"]
        kinds: dict[str, Schema] = {}
        for option in self.items(schema):
            if "const" in option:
                lines.append(f"| `- {option['const']}` | | {cell(self.means(option))} |")
                continue
            ((kind, value),) = option["properties"].items()
            kinds[kind] = value
            held = cell(self.values(value, (*path, kind)))
            lines.append(f"| `- {kind}:` | {held} | {cell(self.means(value))} |")
        return [*lines, "", *self.within(kinds, path, level + 1)]

    def known(self, schema: Schema) -> str | None:
        """The title under which a union with all types of this one, and their keys, was shown."""
        choices = self.choices(schema)
        for title, (types, _) in self.unions.items():
            if len(choices) > 2 and {_type(one) for one in choices} <= set(types):
                return title
        return None

    def as_known(self, schema: Schema, title: str) -> str:
        """What sets a union apart from one that was shown: types, and keys that all types have."""
        choices = self.choices(schema)
        types, common = self.unions[title]
        missing = [name for name in types if name not in map(_type, choices)]
        missing += [key for key in common if key not in _common(choices)]
        without = f", but without `{'`, `'.join(missing)}`" if missing else ""
        return f"as [{title}](#{anchor(title)}){without}"

    def values(self, schema: Schema, path: tuple[str, ...]) -> str:
        """What a key may hold, in words."""
        section = anchor(".".join(path))
        if self.choices(schema):
            known = self.known(schema)
            return f"[a type](#{section})" if known is None else self.as_known(schema, known)
        if self.items(schema):
            return f"[a list](#{section})"
        single = self.single(schema)
        words = [
            f"[a mapping](#{section})" if self.resolved(one) == single else self.words(one, path)
            for one in _alternatives(schema)
        ]
        return ", or ".join(dict.fromkeys(word for word in words if word))

    def words(self, schema: Schema, path: tuple[str, ...]) -> str:
        """One alternative of what a key may hold."""
        schema = self.resolved(schema)
        if "const" in schema:
            return code(schema["const"])
        if "enum" in schema:
            return ", ".join(code(one) for one in schema["enum"])
        kind = schema.get("type", "anything")
        if kind in ("integer", "number"):
            return number(schema)
        if kind == "array":
            inner = self.resolved(schema.get("items", {}))
            if self.choices(inner):
                more = f"[more keys](#{anchor('an item of ' + '.'.join(path))})"
                return f"a list of: {self.values(inner, path)}, and {more}"
            if "properties" in inner:
                return f"a list of [mappings](#{anchor('an item of ' + '.'.join(path))})"
            of = self.values(inner, path) if inner else "values"
            return f"a list of: {of}"
        if kind == "object":
            return self.mapping_words(schema, path)
        names = {"boolean": "`true`, `false`", "null": "`null`", "string": "a text"}
        if schema.get("format") == "path":
            return "a path"
        return names.get(kind, str(kind))

    def mapping_words(self, schema: Schema, path: tuple[str, ...]) -> str:
        properties = schema.get("properties")
        if properties:
            shown = ", ".join(f"{key}: {plain(value)}" for key, value in properties.items())
            return f"`{{{shown}}}`"
        inner = schema.get("additionalProperties")
        if not isinstance(inner, dict):
            return "a mapping"
        return f"a mapping of names to: {self.values(inner, path)}"


def _alternatives(schema: Schema) -> list[Schema]:
    return list(schema.get("anyOf", [schema]))


def _type(section: Schema) -> str:
    return str(section["properties"]["type"]["const"])


def _common(options: Sequence[Schema]) -> dict[str, Schema]:
    """The keys that every type has alike."""
    first, *others = (option["properties"] for option in options)
    return {
        key: value
        for key, value in first.items()
        if key != "type" and all(other.get(key) == value for other in others)
    }
