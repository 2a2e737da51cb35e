"""From nodes to a configuration: pydantic's errors in plain words, each with its position."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from mnistlab.blocks.section import (
    ALONE,
    LISTED,
    REFUSED,
    UNKNOWN_TYPE,
    Section,
    keys_of,
    tag,
    type_of,
)
from mnistlab.config.checks import CONFLICTS, Conflict, KeyPath
from mnistlab.config.key_types import sections_of
from mnistlab.config.run import RunConfig
from mnistlab.config.source_nodes import Node, Position, Problem, dotted, show
from mnistlab.config.value_hints import key_elsewhere, keys_hint, value_hint
from mnistlab.support.near_names import did_you_mean, nearest

Top = TypeVar("Top", bound=Section)

_ALLOWED = {
    "bool_type": "true or false",
    "dict_type": "a mapping of names to values",
    "finite_number": "a finite number",
    "float_type": "a number",
    "greater_than": "greater than {gt}",
    "greater_than_equal": "at least {ge}",
    "int_from_float": "a whole number",
    "int_type": "a whole number",
    "less_than": "below {lt}",
    "less_than_equal": "at most {le}",
    "model_type": "a mapping of keys",
    "path_type": "a path",
    "string_pattern_mismatch": "letters from a to z, digits, '.', '_' and '-', not beginning "
    "with '.'",
    "string_too_long": "at most {max_length} characters long",
    "string_too_short": "a text that is not empty",
    "string_type": "a text (put it in quotes)",
    "too_long": "a list of at most {max_length}",
    "too_short": "a list of at least {min_length}",
    "tuple_type": "a list",
}


def validate(top: type[Top], root: Node) -> tuple[Top | None, list[Problem]]:
    """The nodes as a configuration of type `top`, or all its errors."""
    config, errors = _attempt(top, _plain(root))
    faults = [_Fault(error, root, top) for error in errors if error["type"] != CONFLICTS]
    if faults:
        # The valid rest of the file may have conflicts, which are reported at the same time.
        pruned = _pruned(_plain(root), [fault.prune for fault in faults])
        config, errors = _attempt(top, pruned)
    found = [c for error in errors if error["type"] == CONFLICTS for c in error["ctx"]["conflicts"]]
    problems = [_with_hint(fault.problem, root, top) for fault in faults]
    touched = [fault.meant for fault in faults]
    problems += [_located(c, root) for c in found if not _depends(c, touched)]
    return (None if problems else config), problems


def _plain(root: Node) -> Any:
    """The values; those of `reference` keep their notation."""
    data = root.plain()
    if (reference := root.child("reference")) is not None:
        data["reference"] = reference.stated()
    return data


def _attempt(top: type[Top], data: Any) -> tuple[Top | None, list[ErrorDetails]]:
    try:
        return top.model_validate(data), []
    except ValidationError as error:
        errors = error.errors(include_url=False)
        return None, [one for one in errors if not _counts_wrong_items(one, errors)]


def _counts_wrong_items(error: ErrorDetails, errors: Sequence[ErrorDetails]) -> bool:
    """Whether a list is called too short only because its wrong items were not counted."""
    loc = error["loc"]
    return error["type"] == "too_short" and any(
        len(other["loc"]) > len(loc) and other["loc"][: len(loc)] == loc for other in errors
    )


def _pruned(data: Any, paths: Sequence[KeyPath]) -> Any:
    for path in paths:
        inner = data
        for key in path[:-1]:
            inner = inner.get(key) if isinstance(inner, dict) else None
        if isinstance(inner, dict) and path:
            inner.pop(path[-1], None)
    return data


def _depends(conflict: Conflict, touched: Sequence[KeyPath]) -> bool:
    return any(
        path[: len(other)] == other[: len(path)] for path in conflict.paths for other in touched
    )


def _located(conflict: Conflict, root: Node) -> Problem:
    """The conflict at the first of its keys that is given, or at an override of another one."""
    given = [path for path in conflict.paths if _is_given(path, root)]
    path = given[0] if given else conflict.paths[0]
    position = root.nearest(path).position
    # An override is to blame before the file that it changes. Another type, or a whole section,
    # need not be the cause.
    keys = [one for one in given[1:] if len(one) > 1 and one[-1] != "type"]
    others = [root.nearest(one).position for one in keys]
    overrides = [one for one in others if not one.line]
    if position.line and overrides:
        position = overrides[0]
    return Problem(position, path, conflict.message)


def _is_given(path: KeyPath, root: Node) -> bool:
    block = root.at(path[:-1])
    is_bare = block is not None and isinstance(block.value, str)  # `loss: mse` gives loss.type
    return root.at(path) is not None or (is_bare and path[-1] == "type")


class _Fault:
    """One of pydantic's errors in the user's terms.

    `problem` is the error, `prune` the path to remove so that the rest may be valid, `meant` the
    path that the user probably meant.
    """

    def __init__(self, error: ErrorDetails, root: Node, top: type[Section]) -> None:
        path, section, family = _walk(error["loc"], top)
        kind, node = error["type"], root.nearest(path)
        self.prune, self.meant = _up_to_list(path), path
        if kind == "extra_forbidden" and section is not None:
            near = nearest(str(path[-1]), keys_of(section))
            if near:
                self.meant = (*path[:-1], near)
            message = _unknown_key(path, section, family, near or key_elsewhere(str(path[-1]), top))
            self.problem = Problem(node.key_position or node.position, path, message)
        elif kind == "missing":
            self.prune = _up_to_list(path[:-1])
            self.problem = Problem(_asked_at(node), path, _missing(path, section))
        elif kind == UNKNOWN_TYPE:
            self._unknown_type(path, node, error["ctx"]["types"])
        else:
            message = _bad_value(error, node)
            if kind == "model_type":
                message += keys_hint(path, node, top)
            self.problem = Problem(node.position, path, message)

    def _unknown_type(self, path: KeyPath, node: Node, types: list[str]) -> None:
        chosen = node.child("type")
        if chosen is not None:
            path = (*path, "type")
        value = chosen if chosen is not None else node
        if chosen is None and isinstance(node.value, dict):
            message = f"needs a key 'type', one of {', '.join(types)}"
        else:
            message = _one_of(value.plain(), types)
        self.problem = Problem(value.position, path, message)


def _walk(
    loc: tuple[str | int, ...], top: type[Section]
) -> tuple[KeyPath, type[Section] | None, tuple[type[Section], ...]]:
    """The user's path for one of pydantic's locations, the section of its last key, and that
    section's siblings by `type`.
    """
    path: list[str | int] = []
    family: tuple[type[Section], ...] = (top,)
    inner: type[Section] | None = top
    around: tuple[type[Section] | None, tuple[type[Section], ...]] = (inner, family)
    for key in loc:
        if key in (ALONE, LISTED):
            continue
        chosen = next((member for member in family if tag(member) == key), None)
        if chosen is not None and inner is None:
            inner = chosen
            continue
        path.append(key)
        around = (inner, family)
        if inner is not None and key in keys_of(inner):
            family = sections_of(keys_of(inner)[str(key)])
        inner = family[0] if len(family) == 1 and around[0] is not None else None
    return tuple(path), *around


def _up_to_list(path: KeyPath) -> KeyPath:
    indices = [index for index, key in enumerate(path) if isinstance(key, int)]
    return path[: indices[0]] if indices else path


def _unknown_key(
    path: KeyPath, section: type[Section], family: tuple[type[Section], ...], near: str | None
) -> str:
    *parent, key = path
    owners = [type_of(s) for s in family if key in keys_of(s) and "type" in s.model_fields]
    if owners and "type" in section.model_fields:
        belongs = f"{key} belongs to {dotted((*parent, 'type'))} {' or '.join(owners)}"
        return f"{belongs}, not {type_of(section)}"
    allowed = ", ".join(keys_of(section))
    hint = f"; did you mean {near!r}?" if near else ""
    if ":" in str(key):
        hint = "; a blank must follow the ':' behind a key"
    return f"unknown key {show(key)}; allowed here: {allowed}{hint}"


def _asked_at(block: Node) -> Position:
    """The position of what asks for a key of a block: the block, or its `type` from elsewhere."""
    chosen = block.child("type")
    if chosen is None or chosen.position.source == block.position.source:
        return block.position
    return chosen.position


def _missing(path: KeyPath, section: type[Section] | None) -> str:
    about = keys_of(section)[str(path[-1])].description if section else None
    return f"must be given: {about}" if about else "must be given"


def _one_of(value: Any, allowed: list[str]) -> str:
    hint = did_you_mean(value, allowed) if isinstance(value, str) else ""
    return f"found {show(value)}, must be one of {', '.join(allowed)}{hint}"


def _bad_value(error: ErrorDetails, node: Node) -> str:
    value, context = node.plain(), error.get("ctx", {})
    if error["type"] == "literal_error":
        return _one_of(value, re.findall(r"'([^']*)'", context["expected"]))
    if error["type"] == REFUSED:
        allowed = context["allowed"]
    else:
        bounds = {
            key: f"{bound:g}" if isinstance(bound, float) else bound
            for key, bound in context.items()
        }
        allowed = _ALLOWED.get(error["type"], "something else").format_map(bounds)
    return f"found {show(value)}, must be {allowed}"


def _with_hint(problem: Problem, root: Node, top: type[Section]) -> Problem:
    """A problem of a run, with a hint at what its value was probably meant to be."""

    def is_right(value: Any) -> bool:
        _, errors = _attempt(top, _with_value(_plain(root), problem.path, value))
        depth = len(problem.path)
        return not any(_walk(error["loc"], top)[0][:depth] == problem.path for error in errors)

    hint = value_hint(problem.path, root.at(problem.path), top, is_right)
    if not hint or top is not RunConfig:
        return problem
    joint = "" if problem.message.endswith("?") else ";"
    return replace(problem, message=f"{problem.message}{joint} {hint}")


def _with_value(data: Any, path: KeyPath, value: Any) -> Any:
    inner = data
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return data
