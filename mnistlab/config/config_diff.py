"""The difference between a configuration and its defaults."""

from typing import Any

import yaml

from mnistlab.blocks.section import Section
from mnistlab.config.dump import dump_yaml
from mnistlab.config.run import RunConfig

Path = tuple[str | int, ...]


def lines_with_changes(config: RunConfig) -> list[tuple[str, bool]]:
    """The lines of the configuration's YAML, and whether each differs from the defaults.

    If a type is not the default one, its keys are compared with its own defaults.
    """
    text = dump_yaml(config)
    root, changed = yaml.compose(text), set(_changed(config, RunConfig()))
    assert root is not None
    marked = {
        line
        for line, path in _places(root, ())
        if any(path[:length] in changed for length in range(1, len(path) + 1))
    }
    return [(line, number in marked) for number, line in enumerate(text.splitlines())]


def _changed(section: Section, default: Section | None) -> list[Path]:
    """The paths below a section with other values; without `default`, compared with
    its own type's.
    """
    found: list[Path] = []
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        usual: Any = getattr(default, name) if default else field.get_default()
        if value == usual:
            continue
        if not isinstance(value, Section) or usual is None:
            found.append((name,))
        elif type(value) is type(usual):
            found += [(name, *path) for path in _changed(value, usual)]
        else:
            found += [(name, "type"), *((name, *path) for path in _changed(value, None))]
    return found


def _places(node: yaml.Node, path: Path) -> list[tuple[int, Path]]:
    """The line and path of every key and value, scalars at their own lines."""
    if isinstance(node, yaml.MappingNode):
        found = []
        for key, value in node.value:
            inner = (*path, key.value)
            if not isinstance(value, yaml.ScalarNode):
                found.append((key.start_mark.line, inner))
            found += _places(value, inner)
        return found
    if isinstance(node, yaml.SequenceNode):
        return [
            place
            for index, item in enumerate(node.value)
            for place in _places(item, (*path, index))
        ]
    # A section with a type only may be written as that word.
    return [(node.start_mark.line, path), (node.start_mark.line, (*path, "type"))]
