"""Values with their positions in the source, and problems that name these positions."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnistlab.config.checks import KeyPath
from mnistlab.support.stated import Stated
from mnistlab.support.whole_numbers import whole_number


@dataclass(frozen=True)
class Position:
    """Where a value was written: a file's line and column, counted from 1, or another source.

    Relative paths written there are relative to `folder` (None: the working folder).
    """

    source: str
    line: int = 0
    column: int = 0
    folder: Path | None = None

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


@dataclass
class Node:
    """A value of the configuration with its position, and the position of its key.

    `text` is the notation of a number with a decimal point or an exponent.
    """

    value: "Scalar | list[Node] | dict[str, Node]"
    position: Position
    key_position: Position | None = None
    text: str | None = None

    def child(self, key: str | int) -> "Node | None":
        """The value under a key or index, or None if there is none. An index may be a text, as in
        a dotted path.
        """
        if isinstance(self.value, dict) and isinstance(key, str):
            return self.value.get(key)
        if isinstance(self.value, list):
            index = whole_number(str(key), len(self.value) - 1)
            return None if index is None else self.value[index]
        return None

    def at(self, path: KeyPath) -> "Node | None":
        """The value at a path, or None if there is none."""
        node: Node | None = self
        for key in path:
            node = node.child(key) if node is not None else None
        return node

    def nearest(self, path: KeyPath) -> "Node":
        """The value at a path, or the innermost existing one around it."""
        node = self
        for key in path:
            inner = node.child(key)
            if inner is None:
                break
            node = inner
        return node

    def copy(self) -> "Node":
        """An independent copy of the value, with the same position."""
        value = self.value
        if isinstance(value, dict):
            value = {key: node.copy() for key, node in value.items()}
        elif isinstance(value, list):
            value = [node.copy() for node in value]
        return Node(value, self.position, self.key_position, self.text)

    def plain(self) -> Any:
        """The value without its positions: dicts, lists and scalars."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def stated(self) -> Any:
        """As `plain`, but every number keeps its notation."""
        if isinstance(self.value, dict):
            return {key: node.stated() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.stated() for node in self.value]
        if isinstance(self.value, float) and self.text is not None:
            return Stated(self.value, self.text)
        return self.value


Scalar = str | int | float | bool | None


def dotted(path: KeyPath) -> str:
    """A path as the user writes it: `model.layers.0.conv`."""
    return ".".join(str(key) for key in path)


@dataclass(frozen=True)
class Problem:
    """One error of a configuration."""

    position: Position
    path: KeyPath
    message: str

    def __str__(self) -> str:
        return ": ".join(filter(None, (str(self.position), dotted(self.path), self.message)))


def messages(problems: list[Problem]) -> Iterator[str]:
    """The problems as lines without repetitions: file by file, in each file's order."""
    files = list(
        dict.fromkeys(problem.position.source for problem in problems if problem.position.line)
    )

    def position(problem: Problem) -> tuple[int, int, int, str]:
        # The command line (line 0) comes after the files that it changes.
        position, number = problem.position, len(files)
        if position.line:
            number = files.index(position.source)
        return number, position.line, position.column, dotted(problem.path)

    ordered = sorted(problems, key=position)
    return iter(dict.fromkeys(str(problem) for problem in ordered))


def show(value: Any) -> str:
    """A value for a message: short, in YAML notation."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    if isinstance(value, int) and abs(value) >= 10**40:
        return "a huge number"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:56]}...{text[-1]}"
