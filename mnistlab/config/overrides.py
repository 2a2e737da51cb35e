"""`KEY=VALUE` on the command line: replaces one value of the configuration by its dotted path."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mnistlab.blocks.section import Section
from mnistlab.config.checks import KeyPath
from mnistlab.config.key_types import has_a_type
from mnistlab.config.run import RunConfig
from mnistlab.config.source_nodes import Node, Position, Problem, dotted, show
from mnistlab.config.split_words import joined_words
from mnistlab.config.type_change import drop_keys_of_other_types, types_at
from mnistlab.config.value_hints import SWEEP_HINT
from mnistlab.config.yaml_nodes import nodes_from_mapping, nodes_from_text
from mnistlab.support.errors import ConfigError
from mnistlab.support.safe_text import one_line

Overrides = Sequence[str] | Mapping[str, Any]

# Its keys are names of tensors, which contain dots.
_NAMES_WITH_DOTS: KeyPath = ("optimizer", "lr_scale")


def apply_override(root: Node, override: str, top: type[Section] = RunConfig) -> list[Problem]:
    """Set one value in the nodes of a configuration of type `top`; returns the
    override's problems.
    """
    position = Position(f"command line: {override}")
    key, equals, text = override.partition("=")
    if not equals:
        key, colon, text = override.partition(":")
        meant = f"{key.strip()}={text.strip()}"
        hint = f"; did you mean {meant}?" if colon and text.strip() else ""
        return [Problem(position, (), f"must be KEY=VALUE, such as optimizer.lr=0.01{hint}")]
    path = split_key(key.strip())
    if not all(path):
        return [
            Problem(position, (), "the key before '=' must be a dotted path, as optimizer.lr is")
        ]
    try:
        value, problems = nodes_from_text(text, lambda line, column: position)
    except ConfigError as error:
        problem = wrong_argument(override, error)
        if _is_several(text):
            problem = replace(
                problem, path=path, message=f"found {show(text)}, must be one value; {SWEEP_HINT}"
            )
        return [problem]
    value = value or Node(None, position)
    value.key_position = position
    problems = [Problem(position, (*path, *p.path), p.message) for p in problems]
    return problems or set_node(root, path, value, top)


def _is_several(text: str) -> bool:
    """Whether a VALUE such as `[64],[32]` is several values, as a sweep reads them."""
    try:
        values, _ = nodes_from_text(f"[{text}\n]", lambda line, column: Position(""))
    except ConfigError:
        return False
    return values is not None and isinstance(values.value, list) and len(values.value) > 1


def wrong_argument(argument: str, error: ConfigError) -> Problem:
    """The problem of a command-line argument whose VALUE is not YAML."""
    message = str(error).removeprefix(one_line(f"command line: {argument}: "))
    return Problem(Position(f"command line: {argument}"), (), message)


def split_key(key: str) -> tuple[str, ...]:
    """The path of a dotted key."""
    path = tuple(key.split("."))
    named = len(_NAMES_WITH_DOTS)
    if path[:named] == _NAMES_WITH_DOTS and len(path) > named:
        return (*path[:named], ".".join(path[named:]))
    return path


def set_node(
    root: Node, path: tuple[str, ...], value: Node, top: type[Section] = RunConfig
) -> list[Problem]:
    """Set a value at a path of a configuration of type `top`, with new mappings around it if
    needed; returns problems.
    """
    node, position = root, value.position
    for depth, key in enumerate(path):
        last = depth == len(path) - 1
        if node.value is None:
            node.value, node.position = {}, position
        if isinstance(node.value, str) and has_a_type(top, path[:depth]):
            # A bare name becomes a mapping: `model: softmax` can get `model.bias`.
            node.value = {"type": Node(node.value, node.position, node.key_position)}
        if isinstance(node.value, dict):
            if last:
                node.value[key] = value
            else:
                node = node.value.setdefault(key, Node({}, position, position))
        elif isinstance(node.value, list):
            index = (
                int(key) if key.isascii() and key.isdigit() and len(key) < 9 else len(node.value)
            )
            if index >= len(node.value):
                message = f"found {key!r}, must be an index below {len(node.value)}"
                return [Problem(position, path[: depth + 1], message)]
            if last:
                node.value[index] = value
            else:
                node = node.value[index]
        else:
            message = (
                f"is {show(node.value)}, a single value; {dotted(path[depth:])!r} is not in it"
            )
            return [Problem(position, path[:depth], message)]
    return []


def _set_value(root: Node, key: str, value: Any) -> list[Problem]:
    path, position = split_key(key), Position("overrides")
    if not all(path):
        return [Problem(position, (), f"found the key {key!r}, must be a dotted path")]
    return set_node(root, path, nodes_from_mapping(value, position, path))


def apply_overrides(root: Node, overrides: Overrides) -> list[Problem]:
    """Set every override, in order; returns the problems.

    A mapping has values by their dotted paths, from Python.
    """
    split: list[Problem] = []
    if not isinstance(overrides, Mapping):
        overrides, split = joined_words(overrides, (RunConfig,))
    given = [split_key(one.partition("=")[0].strip()) for one in overrides]
    before = types_at(root, given)
    if isinstance(overrides, Mapping):
        found = [_set_value(root, key, value) for key, value in overrides.items()]
    else:
        found = [apply_override(root, override) for override in overrides]
    drop_keys_of_other_types(root, before, given)
    return [problem for problems in (split, *found) for problem in problems]
