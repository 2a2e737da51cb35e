"""Extends a sweep and keeps all its points."""

from collections.abc import Sequence
from typing import Any

from mnistlab.config.dump import resolved_mapping
from mnistlab.config.load_sweep import SweepSource, refuse, validated, value_nodes, values_of
from mnistlab.config.overrides import set_node, split_key
from mnistlab.config.run import RunConfig
from mnistlab.config.source_nodes import Node, Position, Problem, show
from mnistlab.config.split_words import joined_words
from mnistlab.config.sweep import SweepConfig
from mnistlab.config.sweep_checks import groups
from mnistlab.config.yaml_nodes import nodes_from_mapping
from mnistlab.support.errors import ConfigError

PRESENT = Position("present value")


def extended(source: SweepSource, arguments: Sequence[str]) -> SweepSource:
    """A larger sweep with every point of this one, if its method can be extended.

    Each `KEY=V1,V2` adds to the key's values, or crosses the points with a new parameter, whose
    former value comes first. `method.KEY=N` increases a number of the method. Raises ConfigError.
    """
    if source.config.parameters is None:
        kind = "in stages" if source.config.stages is not None else "of several grids"
        raise ConfigError(f"a sweep {kind} cannot be extended; start another one")
    root = source.root.copy()
    arguments, problems = joined_words(arguments, (RunConfig, SweepConfig))
    for argument in arguments:
        problems += _extend(root, source, argument)
    for keys in source.config.zip:
        _drop_repeated_rows(root, keys)
    return validated(root, problems)


def _extend(root: Node, source: SweepSource, argument: str) -> list[Problem]:
    """Apply one argument to the nodes of a sweep; returns the problems."""
    method = source.config.method
    key, values, faults = values_of(argument)
    if faults:
        return faults
    if key in [f"method.{name}" for name in method.grows_by]:
        return _grow(root, source, key, values)
    if not method.grows_by_values:
        how = " and ".join(f"a larger method.{name}" for name in method.grows_by)
        raise ConfigError(
            f"a sweep of method {method.type} is extended by {how}"
            if how
            else f"a sweep of method {method.type} cannot be extended; start another one"
        )
    parameters = _parameters(root)
    before = parameters.get(key)
    known = value_nodes(key, before) if before is not None else _present_value(source, key)
    have = [node.plain() for node in known]
    # Values that change together are compared when all of them are there.
    is_zipped = any(key in keys for keys in source.config.zip)
    added = [item for item in value_nodes(key, values) if is_zipped or item.plain() not in have]
    parameters[key] = Node([*known, *added], values.position, values.key_position)
    return []


def _grow(root: Node, source: SweepSource, key: str, values: Node) -> list[Problem]:
    """Set a number of the method, which must not decrease; returns the problems."""
    name = key.partition(".")[2]
    present = getattr(source.config.method, name)
    number = values.value[0] if isinstance(values.value, list) and len(values.value) == 1 else None
    if number is None or not isinstance(number.value, int | float) or number.value < present:
        found = show(number.plain() if number else values.plain())
        message = f"found {found}, must be a number of at least {present}, the present one"
        return [Problem(values.position, split_key(key), message)]
    return set_node(root, split_key(key), number, SweepConfig)


def _drop_repeated_rows(root: Node, keys: Sequence[str]) -> None:
    """Keep each row of values that change together once.

    Columns of different lengths stay as they are: they are no valid sweep.
    """
    parameters = _parameters(root)
    written = [parameters[key] for key in keys]
    columns = [value_nodes(key, node) for key, node in zip(keys, written, strict=True)]
    if len({len(column) for column in columns}) != 1:
        return
    kept: list[tuple[Node, ...]] = []
    seen: list[list[Any]] = []
    for row in zip(*columns, strict=True):
        values = [node.plain() for node in row]
        if values not in seen:
            seen.append(values)
            kept.append(row)
    for key, node, column in zip(keys, written, zip(*kept, strict=True), strict=True):
        parameters[key] = Node([*column], node.position, node.key_position)


def _present_value(source: SweepSource, key: str) -> list[Node]:
    """The former value, in every trial of a grid, of a key that becomes a parameter.

    Raises ConfigError if it is not the same in all trials: no new value would stand for it.
    """
    written = _parameters(source.root)
    listed = {name: value_nodes(name, values) for name, values in written.items()}
    first = {name: values[0] for name, values in listed.items()}
    config, problems = source.run_config(first)
    refuse(problems)
    assert config is not None
    node = _value_in(config, key)
    present = None if node is None else node.plain()
    for keys in groups(written, source.config.zip):
        for row in zip(*(listed[name] for name in keys), strict=True):
            other, _ = source.run_config({**first, **dict(zip(keys, row, strict=True))})
            found = None if other is None else _value_in(other, key)
            value = None if found is None else found.plain()
            if other is not None and value != present:
                raise ConfigError(
                    f"{key}: is {show(present)} in some trials and {show(value)} in others, which "
                    f"differ in {', '.join(keys)}; start another sweep"
                )
    return [] if node is None else [Node(node.value, PRESENT, PRESENT)]


def _parameters(root: Node) -> dict[str, Node]:
    """The values to try of a sweep in one grid, by key."""
    node = root.at(("parameters",))
    assert node is not None
    assert isinstance(node.value, dict)
    return node.value


def _value_in(config: RunConfig, key: str) -> Node | None:
    """A key's value in a configuration; None if it does not have the key."""
    return nodes_from_mapping(resolved_mapping(config), PRESENT).at(split_key(key))
