"""Hints for a value that stands at the wrong key, or is written as several values."""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from mnistlab.blocks.section import Section, keys_of
from mnistlab.config import key_values
from mnistlab.config.checks import KeyPath
from mnistlab.config.key_types import sections_at, sections_of, takes_a_list
from mnistlab.config.meant_value import meant_items, meant_scalar
from mnistlab.config.scalars import read_scalar
from mnistlab.config.source_nodes import Node, dotted
from mnistlab.support.near_names import nearest

SWEEP_HINT = "`mnistlab sweep` tries several values"

_SEVERAL_VALUES = re.compile(r"[^][{}\s,]+(\s*,\s*[^][{}\s,]+)+")


def key_elsewhere(key: str, top: type[Section]) -> str | None:
    """The dotted path of the key in a section of the top, if only the section was omitted."""
    keys = [
        (name, inner)
        for name, field in keys_of(top).items()
        for section in sections_of(field)
        for inner in keys_of(section)
    ]
    meant = nearest(key, dict.fromkeys(inner for _, inner in keys), cutoff=0.8)
    return next((f"{name}.{inner}" for name, inner in keys if inner == meant), None)


def keys_hint(path: KeyPath, node: Node, top: type[Section]) -> str:
    """Which key of a section was probably meant by a value that replaces the whole section: the
    key that has this value, or is named by it. Else the section's keys.
    """
    if isinstance(node.value, dict | list) or not path:
        return ""
    if isinstance(node.value, str) and (meant := _meant(path, node.value, top)) is not None:
        return f"; did you mean {_written(path, *meant, node)}?"
    keys = dict.fromkeys(key for section in sections_at(top, path) for key in keys_of(section))
    return f"; its keys are {', '.join(keys)}" if keys else ""


def _meant(path: KeyPath, word: str, top: type[Section]) -> tuple[str, str] | None:
    """The key below `path`, and its value, that the word probably means."""
    own = [key for section in sections_at(top, path) for key in keys_of(section)]
    if word in own:
        return word, "VALUE"
    values = {value: key for key, known in reversed(_known_values(path)) for value in known}
    near = word if word in values else nearest(word, values, cutoff=0.8)
    return (values[near], near) if near is not None else None


def _known_values(path: KeyPath) -> list[tuple[str, list[str]]]:
    """The keys below a path, in the schema's order, with the names that each may have."""
    stored = json.loads(key_values.FILE.read_text(encoding="utf-8"))
    prefix = f"{dotted(path)}."
    return [
        (key.removeprefix(prefix), [value for value in values if value[:1].isalpha()])
        for key, values in {**stored["run"], **stored["sweep"]}.items()
        if key.startswith(prefix)
    ]


def _written(path: KeyPath, key: str, value: str, node: Node) -> str:
    """A value of a section's key, as it is written on the command line or in a file."""
    if not node.position.line:
        return f"{dotted(path)}.{key}={value}"
    text = value
    for name in reversed(key.split(".")):
        text = f"{{{name}: {text}}}"
    return f"{path[-1]}: {text}"


def value_hint(
    path: KeyPath, node: Node | None, top: type[Section], is_right: Callable[[Any], bool]
) -> str:
    """What a wrong value was probably meant to be, `did you mean optimizer.lr=0.1?`; how a sweep
    tries the values of `0.1,0.2` or `[0.1, 0.2]`; empty for anything else.

    `is_right` tells of one value whether the key may have it.
    """
    if node is None:
        return ""
    value = node.value
    meant = _meant_words(path, value, top, is_right)
    hint = f"did you mean {_assigned(path, meant, node)}?" if meant else ""
    if isinstance(value, str) and is_several(value):
        is_list = meant.startswith("[")
        return hint if is_list else f"{hint} {SWEEP_HINT}".strip()
    if not isinstance(value, list) or len(value) < 2:
        return hint
    if any(isinstance(item.value, dict | list) or not is_right(item.value) for item in value):
        return ""
    items = ",".join(item.text or _as_written(item.value) for item in value)
    return f"{SWEEP_HINT} without brackets: {dotted(path)}={items}"


def _meant_words(
    path: KeyPath, value: Any, top: type[Section], is_right: Callable[[Any], bool]
) -> str:
    """The YAML that was probably meant by a wrong value; empty if there is none."""
    scalar = meant_scalar(value)
    if scalar is not None and is_right(scalar[1]):
        return scalar[0]
    items = meant_items(value) if isinstance(value, str) and takes_a_list(top, path) else []
    if items and is_right([read_scalar(item) for item in items]):
        return f"[{','.join(items)}]"
    return ""


def is_several(value: str) -> bool:
    """Whether a value is several ones with commas between them: `64,32`, `0.1, 0.2`."""
    return bool(_SEVERAL_VALUES.fullmatch(value))


def run_value(path: Sequence[str], value: str, top: type[Section]) -> tuple[str, str]:
    """A value of the command line as a run takes it, and a hint if a run takes no such value.

    `64,32` becomes `[64,32]` if the key takes a list.
    """
    if not is_several(value):
        return value, ""
    if takes_a_list(top, path):
        return f"[{value}]", ""
    return value, SWEEP_HINT


def _assigned(path: KeyPath, words: str, node: Node) -> str:
    """A value as it is written on the command line or in a file."""
    if not node.position.line:
        return f"{dotted(path)}={words}"
    return f"{path[-1]}: {words.replace(',', ', ')}"


def _as_written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
