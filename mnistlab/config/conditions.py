"""Conditions on the values of a trial: `{optimizer.type: adam, optimizer.lr: {above: 0.1}}`."""

from collections.abc import Iterable, Mapping
from typing import Any

from mnistlab.blocks.section import refuse

BOUNDS = ("above", "below")


def checked_condition(value: Any) -> Any:
    """The condition on one key: a value, a list of values, or bounds of a number; anything else is
    refused.
    """
    if isinstance(value, Mapping) and set(value) & set(BOUNDS):
        if set(value) <= set(BOUNDS) and all(map(_is_number, value.values())):
            return dict(value)
        refuse("bounds, such as {above: 0.1}, {below: 8} or {above: 0.1, below: 1}")
    if isinstance(value, list | tuple) and not value:
        refuse("a value, a list of at least one value, or bounds such as {above: 0.1}")
    return value


def holds(condition: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    """Whether every key of the condition has one of its values; a key without a value has not."""
    return all(
        (key := parameter_of(name, values)) is not None
        and _matches(wanted, _within(values[key], name[len(key) + 1 :]))
        for name, wanted in condition.items()
    )


def parameter_of(name: str, parameters: Iterable[str]) -> str | None:
    """The parameter that a key of a condition is, or is a part of: `optimizer` for
    `optimizer.type`.
    """
    found = [key for key in parameters if name == key or name.startswith(f"{key}.")]
    return max(found, key=len) if found else None


def _within(value: Any, path: str) -> Any:
    """The value at a path in the value of a parameter; a bare name is that of a type."""
    for part in filter(None, path.split(".")):
        if isinstance(value, Mapping):
            value = value.get(part)
        elif part != "type":
            return None
    return value


def _matches(wanted: Any, value: Any) -> bool:
    if isinstance(wanted, Mapping) and set(wanted) <= set(BOUNDS) and wanted:
        above, below = wanted.get("above"), wanted.get("below")
        return (
            _is_number(value)
            and (above is None or value > above)
            and (below is None or value < below)
        )
    if isinstance(wanted, list | tuple):
        return any(_equal(one, value) for one in wanted)
    return _equal(wanted, value)


def _equal(one: Any, other: Any) -> bool:
    # 1 is True for Python, but not for a reader of the file.
    return isinstance(one, bool) is isinstance(other, bool) and one == other


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
