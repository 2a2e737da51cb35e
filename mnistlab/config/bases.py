"""`base: other.yaml`: a file's keys replace those of another file, which may have a base itself."""

import os
from pathlib import Path

from mnistlab.blocks.section import Section, type_of
from mnistlab.config.checks import KeyPath
from mnistlab.config.config_text import mapping_nodes, read_config_text, sweep_mark
from mnistlab.config.key_types import typed_sections
from mnistlab.config.run import RunConfig
from mnistlab.config.source_nodes import Node, Position, Problem, show
from mnistlab.config.type_change import keys_of_other_types
from mnistlab.support.errors import ConfigError

BASE: KeyPath = ("base",)


def over_bases(root: Node) -> tuple[Node, list[Problem]]:
    """The nodes of a run merged over those of its base, over those of the base's base, and so on.

    Mappings are merged key by key; any other value replaces the base's. A section whose `type`
    differs from the base's loses the base's keys that its type does not have. Every value keeps its
    position. Also returns the problems of the bases.
    """
    chain, problems = [root], []
    files = [Path(os.path.realpath(root.position.source))]
    while (base := _taken(chain[-1])) is not None:
        below, found = _read(base, files)
        problems += found
        if below is None:
            break
        chain.append(below)
    whole = chain.pop()
    while chain:
        whole = _laid_over(whole, chain.pop())
    return whole, problems


def base_path(base: Node) -> Path:
    """The path of a base, relative to the folder of the file that names it."""
    path = Path(str(base.value)).expanduser()
    return path if base.position.folder is None else base.position.folder / path


def read_run(base: Node, path: Path) -> tuple[Node | None, list[Problem]]:
    """The nodes of a base's file, and its problems."""
    try:
        run, problems = mapping_nodes(read_config_text(path), str(path), path.parent)
    except ConfigError as error:
        return None, [Problem(base.position, BASE, message) for message in error.messages]
    if (mark := sweep_mark(run)) is not None:
        message = f"{path}: is the file of a sweep (it has {mark}), must be one of a run"
        return None, [Problem(base.position, BASE, message)]
    return run, problems


def _taken(root: Node) -> Node | None:
    """Remove the base from a file's nodes and return it; None if there is none."""
    if not isinstance(root.value, dict) or root.child("base") is None:
        return None
    base = root.value.pop("base")
    return None if base.value is None else base


def _read(base: Node, files: list[Path]) -> tuple[Node | None, list[Problem]]:
    """The nodes of a base; its file is added to `files`, the chain of bases."""
    if not isinstance(base.value, str) or not base.value.strip():
        message = f"found {show(base.plain())}, must be the path of a run's YAML file"
        return None, [Problem(base.position, BASE, message)]
    path = base_path(base)
    real = Path(os.path.realpath(path))
    if real in files:
        message = f"{path}: {_circle(base.position, real == files[-1])}"
        return None, [Problem(base.position, BASE, message)]
    files.append(real)
    return read_run(base, path)


def _circle(position: Position, is_itself: bool) -> str:
    if is_itself:
        return "is this file itself; a base must be another file"
    return f"has a base that leads back to {position.source}; bases must not form a circle"


def _laid_over(base: Node, own: Node, path: KeyPath = ()) -> Node:
    """The values of a file merged over those of its base, both at `path` of the configuration."""
    typed = typed_sections(RunConfig, path)
    if typed:
        base, own = _as_mapping(base), _as_mapping(own)
    if not isinstance(base.value, dict) or not isinstance(own.value, dict):
        return own
    kept = dict(base.value)
    if typed:
        for key in _lost(base, own, typed):
            kept.pop(key, None)
    for key, node in own.value.items():
        kept[key] = _laid_over(kept[key], node, (*path, key)) if key in kept else node
    return Node(kept, own.position, own.key_position)


def _as_mapping(node: Node) -> Node:
    """A section with a `type`, as a mapping even if the type's name stands for it."""
    if not isinstance(node.value, str):
        return node
    return Node(
        {"type": Node(node.value, node.position, node.key_position)},
        node.position,
        node.key_position,
    )


def _lost(base: Node, own: Node, typed: list[type[Section]]) -> set[str]:
    """The keys of a base's section that the type of the section over it does not have."""
    before, now = base.child("type"), own.child("type")
    names = [type_of(section) for section in typed]
    if now is None or now.value not in names or (before and before.value == now.value):
        return set()
    return keys_of_other_types(typed, str(now.value))
