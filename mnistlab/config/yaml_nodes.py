"""From YAML text, or a Python mapping, to values with their positions.

The nodes are built from PyYAML's stream of events, not by its composer: that is recursive, keeps
the last of two equal keys, and lets aliases expand a short text endlessly.
"""

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from mnistlab.blocks.section import is_whole
from mnistlab.config.checks import KeyPath
from mnistlab.config.scalars import read_scalar
from mnistlab.config.source_nodes import Node, Position, Problem, show
from mnistlab.config.yaml_faults import yaml_fault
from mnistlab.support.errors import ConfigError

MAX_DEPTH = 32
MAX_NODES = 10_000
MERGE = "<<"


@dataclass
class _Open:
    """A mapping or list that is not complete yet, and the key that waits for its value."""

    node: Node
    path: KeyPath
    anchor: str | None = None
    key: str | None = None
    key_position: Position | None = None
    awaits_value: bool = False
    awaits_merge: bool = False
    merged: Node | None = None  # the value of `<<`


@dataclass
class _Builder:
    position_of: Callable[[Any], Position]
    problems: list[Problem] = field(default_factory=list)
    open: list[_Open] = field(default_factory=list)
    root: Node | None = None
    count: int = 0
    anchors: dict[str, Node | None] = field(default_factory=dict)  # None: its value is not read yet

    def path(self) -> KeyPath:
        """The path of the next value."""
        if not self.open:
            return ()
        parent = self.open[-1]
        if isinstance(parent.node.value, list):
            return (*parent.path, len(parent.node.value))
        return (*parent.path, parent.key) if parent.key is not None else parent.path

    def refuse(self, event: Any, message: str) -> ConfigError:
        return ConfigError(str(Problem(self.position_of(event.start_mark), self.path(), message)))

    def add(self, event: Any) -> None:
        if isinstance(event, yaml.DocumentStartEvent) and self.root is not None:
            raise self.refuse(event, "a second document ('---') begins here; only one is allowed")
        if isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._close(self.open.pop())
        if isinstance(event, yaml.NodeEvent):
            parent = self.open[-1] if self.open else None
            is_key = parent and isinstance(parent.node.value, dict) and not parent.awaits_value
            if is_key:
                self._add_key(event)
            elif isinstance(event, yaml.AliasEvent):
                self._add_alias(event)
            else:
                self._add_value(event)

    def _check(self, event: Any, size: int = 1, depth: int = 0) -> None:
        """Refuse a value that makes the configuration too large or too deep."""
        self.count += size
        if self.count > MAX_NODES:
            raise self.refuse(event, f"more than {MAX_NODES} values are not allowed")
        if len(self.open) + depth > MAX_DEPTH:
            position = self.position_of(event.start_mark)
            raise ConfigError(f"{position}: nested more than {MAX_DEPTH} deep")

    def _refuse_tag(self, event: Any) -> None:
        if event.tag is not None:
            raise self.refuse(event, f"found the tag {show(event.tag)}; tags (!) are not allowed")

    def _add_key(self, event: Any) -> None:
        if isinstance(event, yaml.AliasEvent):
            raise self.refuse(event, f"found *{event.anchor}; a key must be a word, not an alias")
        self._refuse_tag(event)
        if event.anchor is not None:
            raise self.refuse(event, f"found &{event.anchor}; an anchor belongs before a value")
        if not isinstance(event, yaml.ScalarEvent):
            raise self.refuse(event, "a key must be a word, not a list or a mapping")
        self._check(event)
        parent, position, key = (
            self.open[-1],
            self.position_of(event.start_mark),
            self._scalar(event),
        )
        if key == MERGE and event.implicit[0]:
            self._take_merge(parent, position)
        else:
            self._take_key(parent, key, position)

    def _add_alias(self, event: Any) -> None:
        """A copy of the value that has the anchor, at the position of that value."""
        name = event.anchor
        if name not in self.anchors:
            hint = f"no value before it has the anchor &{name}; put a text in quotes"
            raise self.refuse(event, f"found *{name}; {hint}")
        node = self.anchors[name]
        if node is None:
            raise self.refuse(event, f"found *{name} inside the value of its own anchor")
        self._check(event, *_size_and_depth(node))
        self._attach(self.open[-1], node.copy())

    def _add_value(self, event: Any) -> None:
        self._refuse_tag(event)
        scalar = isinstance(event, yaml.ScalarEvent)
        self._check(event, depth=0 if scalar else 1)
        if event.anchor in self.anchors:
            raise self.refuse(event, f"found the anchor &{event.anchor} a second time")
        node = Node(position=self.position_of(event.start_mark), value=self._value(event))
        if isinstance(node.value, float):
            node.text = event.value
        path = self.path()
        if event.anchor is not None:
            self.anchors[event.anchor] = node if scalar else None
        self._attach(self.open[-1] if self.open else None, node)
        if not scalar:
            self.open.append(_Open(node, path, event.anchor))

    def _close(self, ended: _Open) -> None:
        """End a mapping or list: its merges are applied, and aliases may refer to it."""
        if ended.merged is not None:
            self._merge(ended, ended.merged)
        if ended.anchor is not None:
            self.anchors[ended.anchor] = ended.node

    def _merge(self, ended: _Open, merged: Node) -> None:
        """Add the keys of merged mappings, earlier ones first; a mapping's own keys win."""
        assert isinstance(ended.node.value, dict)
        for source in merged.value if isinstance(merged.value, list) else [merged]:
            if not isinstance(source.value, dict):
                allowed = "a mapping, or a list of mappings, such as the alias of one"
                message = f"found {show(source.plain())}, must be {allowed}"
                self.problems.append(Problem(source.position, (*ended.path, MERGE), message))
                continue
            for key, node in source.value.items():
                ended.node.value.setdefault(key, node)

    def _value(self, event: Any) -> Any:
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        return [] if isinstance(event, yaml.SequenceStartEvent) else {}

    def _scalar(self, event: Any) -> Any:
        if strange := _unprintable(event.value):
            raise self.refuse(event, strange)
        if not event.implicit[0]:
            return event.value
        try:
            return read_scalar(event.value)
        except ValueError as error:
            raise self.refuse(event, f"found {error}") from None

    def _take_merge(self, parent: _Open, position: Position) -> None:
        if parent.merged is not None:
            message = "found twice; use one with a list to merge several mappings"
            self.problems.append(Problem(position, (*parent.path, MERGE), message))
        parent.awaits_value = parent.awaits_merge = True
        parent.key, parent.key_position = MERGE, position

    def _take_key(self, parent: _Open, key: Any, position: Position) -> None:
        parent.awaits_value = True
        parent.key, parent.key_position = None, position
        assert isinstance(parent.node.value, dict)
        if is_whole(key):
            key = str(key)  # of an epoch, as in `{30: 0.1}`
        if not isinstance(key, str):
            message = f"found the key {show(key)}; a key must be a word (or put it in quotes)"
            self.problems.append(Problem(position, parent.path, message))
        elif key in parent.node.value:
            first = parent.node.value[key].key_position
            where = f" (first at line {first.line})" if first and first.line else ""
            message = f"found the key {key!r} twice{where}; keep one"
            self.problems.append(Problem(position, (*parent.path, key), message))
        else:
            parent.key = key

    def _attach(self, parent: _Open | None, node: Node) -> None:
        if parent is None:
            self.root = node
        elif isinstance(parent.node.value, list):
            parent.node.value.append(node)
        else:
            parent.awaits_value = False
            if parent.awaits_merge:
                parent.awaits_merge, parent.merged = False, node
                return
            # A refused key's value is still read, so that parsing can continue.
            if parent.key is not None and isinstance(parent.node.value, dict):
                node.key_position = parent.key_position
                parent.node.value[parent.key] = node
            parent.key = None


def _size_and_depth(node: Node) -> tuple[int, int]:
    """The number of values in a value, including itself; its depth of mappings and lists."""
    if not isinstance(node.value, dict | list):
        return 1, 0
    inner = node.value.values() if isinstance(node.value, dict) else node.value
    below = [_size_and_depth(one) for one in inner]
    return 1 + sum(size for size, _ in below), 1 + max((depth for _, depth in below), default=0)


def _unprintable(text: str) -> str | None:
    """Why a text cannot be written to a file; None if it can."""
    for character in text:
        if character not in "\n\t" and unicodedata.category(character) in ("Cc", "Cs"):
            return f"found the unprintable character U+{ord(character):04X}; take it out"
    return None


def _of_line(position: Position) -> str:
    return f" of line {position.line}" if position.line else ""


def nodes_from_text(
    text: str, position_of: Callable[[int, int], Position]
) -> tuple[Node | None, list[Problem]]:
    """The text's root node (None: no document), and problems of its keys.

    `position_of` converts a line and a column, counted from 1, to a position. Aliases become copies
    of their values, and `<<` the keys that it merges. Raises ConfigError for text that is not YAML,
    for tags, and for too many values or too deep nesting.
    """
    builder = _Builder(lambda mark: position_of(mark.line + 1, mark.column + 1))
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            builder.add(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        position = position_of(mark.line + 1, mark.column + 1) if mark else position_of(1, 1)
        fault = yaml_fault(error, text, lambda mark: _of_line(position_of(mark.line + 1, 1)))
        raise ConfigError(f"{position}: not valid YAML: {fault}") from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        position = position_of(before.count("\n") + 1, len(before) - before.rfind("\n"))
        code = f"U+{ord(text[error.position]):04X}" if error.position < len(text) else "at the end"
        raise ConfigError(f"{position}: not valid YAML: unprintable character {code}") from None
    # PyYAML raises these for escapes and directives beyond the range of a character or number.
    except (ValueError, OverflowError, IndexError) as error:
        raise ConfigError(f"{position_of(1, 1)}: not valid YAML: {error}") from None
    return builder.root, builder.problems


def nodes_from_mapping(value: Any, position: Position, path: KeyPath = ()) -> Node:
    """A Python value as nodes, all at one position.

    Raises ConfigError for a key that is not a string, or a value that YAML cannot represent.
    """
    if len(path) > MAX_DEPTH:
        raise ConfigError(f"{position}: nested more than {MAX_DEPTH} deep")
    if isinstance(value, Path):
        value = str(value)
    if hasattr(value, "tolist"):  # numpy's numbers and arrays
        value = value.tolist()
    if isinstance(value, str) and (strange := _unprintable(value)):
        raise ConfigError(str(Problem(position, path, strange)))
    if value is None or isinstance(value, str | int | float):
        return Node(value, position, position)
    if isinstance(value, list | tuple):
        return Node(
            [nodes_from_mapping(v, position, (*path, i)) for i, v in enumerate(value)],
            position,
            position,
        )
    if not isinstance(value, Mapping):
        message = f"found an object of type {type(value).__name__}; YAML has no such value"
        raise ConfigError(str(Problem(position, path, message)))
    # A file's keys are texts, also the epochs of `{30: 0.1}`.
    value = {str(key) if is_whole(key) else key: inner for key, inner in value.items()}
    for key in value:
        strange = _unprintable(key) if isinstance(key, str) else "a key must be a string"
        if strange:
            message = f"found the key {show(key)}; {strange}"
            raise ConfigError(str(Problem(position, path, message)))
    children = {key: nodes_from_mapping(v, position, (*path, key)) for key, v in value.items()}
    return Node(children, position, position)
