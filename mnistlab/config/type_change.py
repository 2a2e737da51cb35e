"""An override that changes a `type` removes the keys that only the former type
has, with a warning.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence

from mnistlab.blocks.section import Section, keys_of, type_of
from mnistlab.config.checks import KeyPath
from mnistlab.config.key_types import typed_sections
from mnistlab.config.run import RunConfig
from mnistlab.config.source_nodes import Node, dotted

logger = logging.getLogger(__name__)


def types_at(root: Node, paths: Iterable[KeyPath]) -> dict[KeyPath, str | None]:
    """The type in the nodes for each path to a `type`; None if it is omitted."""
    return {path: _type_at(root, path) for path in paths if path[-1:] == ("type",)}


def drop_keys_of_other_types(
    root: Node,
    before: Mapping[KeyPath, str | None],
    given: Sequence[KeyPath],
    warn: Callable[[str], None] = logger.warning,
) -> None:
    """Remove from a run's nodes the keys of another type, if the type differs from that in
    `before`.

    A key that no type has is kept, and so is one that an override of a path in `given` sets: both
    are refused later. `warn` receives the names of the removed keys and the new type's keys.
    """
    for path, old in before.items():
        new, block = _type_at(root, path), path[:-1]
        sections = typed_sections(RunConfig, block)
        own = next((keys_of(section) for section in sections if type_of(section) == new), None)
        node = root.at(block)
        if new == old or own is None or node is None or not isinstance(node.value, dict):
            continue
        others = keys_of_other_types(sections, str(new))
        others -= {one[len(block)] for one in given if one[: len(block)] == block != one}
        dropped = [key for key in node.value if key in others]
        for key in dropped:
            del node.value[key]
        if dropped:
            names = ", ".join(dotted((*block, key)) for key in dropped)
            warn(
                f"{dotted(path)} is now {new}; dropped from the file: {names}; "
                f"the keys of {new}: {', '.join(own)}"
            )


def keys_of_other_types(sections: Sequence[type[Section]], chosen: str) -> set[str]:
    """The keys that some of the sections have, but the one of type `chosen` does not."""
    own = {key for one in sections if type_of(one) == chosen for key in keys_of(one)}
    return {key for one in sections for key in keys_of(one)} - own


def _type_at(root: Node, path: KeyPath) -> str | None:
    block = root.at(path[:-1])
    # A bare name has the type only.
    node = block if block is not None and isinstance(block.value, str) else root.at(path)
    return node.value if node is not None and isinstance(node.value, str) else None
