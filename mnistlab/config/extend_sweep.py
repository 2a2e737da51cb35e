"""Extends a sweep and keeps all its points."""

from collections.abc import Sequence

from mnistlab.config.dump import resolved_mapping
from mnistlab.config.load_sweep import SweepSource, refuse, validated, value_nodes, values_of
from mnistlab.config.overrides import set_node, split_key
from mnistlab.config.run import RunConfig
from mnistlab.config.source_nodes import Node, Position, Problem, show
from mnistlab.config.split_words import joined_words
from mnistlab.config.sweep import SweepConfig
from mnistlab.config.yaml_nodes import nodes_from_mapping
from mnistlab.support.errors import ConfigError


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
    parameters = root.at(("parameters",))
    assert parameters is not None
    assert isinstance(parameters.value, dict)
    before = parameters.value.get(key)
    known = value_nodes(key, before) if before is not None else _present_value(source, key)
    have = [node.plain() for node in known]
    added = [item for item in value_nodes(key, values) if item.plain() not in have]
    parameters.value[key] = Node([*known, *added], values.position, values.key_position)
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


def _present_value(source: SweepSource, key: str) -> list[Node]:
    """The former value, in every trial of a grid, of a key that becomes a parameter."""
    block = source.root.at(("parameters",))
    assert block is not None
    assert isinstance(block.value, dict)
    first = {name: value_nodes(name, values)[0] for name, values in block.value.items()}
    config, problems = source.run_config(first)
    refuse(problems)
    assert config is not None
    position = Position("present value")
    node = nodes_from_mapping(resolved_mapping(config), position).at(split_key(key))
    return [Node(node.value, position, position)] if node is not None else []
