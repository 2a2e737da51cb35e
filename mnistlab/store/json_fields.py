"""Reads JSON values as a dataclass declares them: anything else is an error with its key.

Deliberately small: lists of runs use it, and must not wait for a library.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache, partial
from types import NoneType, UnionType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

Positive = Annotated[int, "from 1"]
# Its keys are beside those of the record that contains it; it is None if none of them exists.
INLINE = {"inline": True}
# Not written if it is None.
LEFT_OUT = {"left_out": True}
MAX_SHOWN = 40


class JsonTypeError(ValueError):
    """The error, beginning with the key."""


def read_record(kind: Any, found: Any, key: str = "") -> Any:
    """A dataclass from a JSON object; unknown keys are ignored.

    Raises JsonTypeError that names the key of the first value that is missing or has another type.
    """
    if not isinstance(found, Mapping):
        raise _wrong(key, found, "an object")
    values = {}
    for field, own_key, read, inline in _fields(kind):
        if inline is not None:
            values[field.name] = _read_inline(inline, found, key)
        elif own_key in found:
            values[field.name] = read(found[own_key], f"{key}.{own_key}" if key else own_key)
        elif field.default is MISSING and field.default_factory is MISSING:
            raise JsonTypeError(f"{key}.{own_key}: is missing" if key else f"{own_key}: is missing")
    return kind(**values)


def _key(field: Field[Any]) -> str:
    return str(field.metadata.get("key", field.name))


# Reads a value under its key. Hundreds of runs are read at once: types are looked at only once.
Reader = Callable[[Any, str], Any]


@cache
def _fields(kind: Any) -> list[tuple[Field[Any], str, Reader, Any]]:
    """Each field of a dataclass: its key, how it is read, and its dataclass if it is inline."""
    hints = get_type_hints(kind, include_extras=True)
    return [
        (
            field,
            _key(field),
            _reader(hints[field.name]),
            _without_none(hints[field.name]) if field.metadata.get("inline") else None,
        )
        for field in fields(kind)
    ]


def _read_inline(kind: Any, found: Mapping[str, Any], key: str) -> Any:
    if not any(own_key in found for _, own_key, _, _ in _fields(kind)):
        return None
    return read_record(kind, found, key)


@cache
def _reader(declared: Any) -> Reader:
    """How a value of a declared type is read."""
    if declared is Any:
        return lambda found, key: found
    origin, parts = get_origin(declared), get_args(declared)
    if origin is UnionType:
        inner = _reader(_without_none(declared))
        return lambda found, key: None if found is None else inner(found, key)
    if origin is dict:
        return _mapping_reader(_reader(parts[1]))
    if origin in (list, tuple):
        is_any_length = origin is list or parts[-1] is Ellipsis
        return _items_reader(
            origin, [_reader(p) for p in parts if p is not Ellipsis], is_any_length
        )
    if is_dataclass(declared):
        return partial(read_record, declared)
    return partial(_read_scalar, declared)


def _mapping_reader(read: Reader) -> Reader:
    def read_mapping(found: Any, key: str) -> dict[str, Any]:
        if not isinstance(found, Mapping):
            raise _wrong(key, found, "an object")
        return {name: read(value, f"{key}.{name}") for name, value in found.items()}

    return read_mapping


def _items_reader(origin: Any, readers: Sequence[Reader], is_any_length: bool) -> Reader:
    """Of a list[X], a tuple[X, ...], or a tuple of a fixed length."""

    def read_items(found: Any, key: str) -> Any:
        if not isinstance(found, list):
            raise _wrong(key, found, "a list")
        each = [*readers] * len(found) if is_any_length else readers
        if len(found) != len(each):
            raise _wrong(key, found, f"a list of {len(each)}")
        items = enumerate(zip(each, found, strict=True))
        return origin(read(item, f"{key}[{place}]") for place, (read, item) in items)

    return read_items


def _read_scalar(declared: Any, found: Any, key: str) -> Any:
    if declared is str and isinstance(found, str):
        return found
    if declared is bool and isinstance(found, bool):
        return found
    if declared in (int, Positive) and type(found) is int and found >= (declared == Positive):
        return found
    if declared is float and type(found) in (int, float):
        with suppress(OverflowError):
            if math.isfinite(number := float(found)):
                return number
    if declared is datetime and (time := _time(found)) is not None:
        return time
    if isinstance(declared, type) and issubclass(declared, StrEnum):
        if found in list(declared):
            return declared(found)
        raise _wrong(key, found, f"one of {', '.join(declared)}")
    raise _wrong(key, found, WORDS[declared])


WORDS = {
    str: "text",
    bool: "true or false",
    int: "a whole number from 0",
    Positive: "a whole number from 1",
    float: "a number",
    datetime: "a time with its zone, such as 2026-11-21T14:25:30+00:00",
}


def _time(found: Any) -> datetime | None:
    try:
        time = datetime.fromisoformat(found)
    except (TypeError, ValueError):
        return None
    return None if time.tzinfo is None else time


def _without_none(declared: Any) -> Any:
    """X of X | None, the only union that a record may have."""
    (kind,) = (part for part in get_args(declared) if part is not NoneType)
    return kind


def _wrong(key: str, found: Any, expected: str) -> JsonTypeError:
    shown = repr(found)
    shown = shown if len(shown) <= MAX_SHOWN else f"{shown[:MAX_SHOWN]} …"
    return JsonTypeError(f"{f'{key}: ' if key else ''}found {shown}, expected {expected}")


def as_json(value: Any) -> Any:
    """A value for JSON: records as `read_record` reads them, NaN and infinities as null."""
    if is_dataclass(value):
        return _fields_as_json(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): as_json(inner) for key, inner in value.items()}
    if hasattr(value, "tolist"):  # numpy's; it need not be imported here
        return as_json(value.tolist())
    if isinstance(value, list | tuple):
        return [as_json(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _fields_as_json(record: Any) -> dict[str, Any]:
    written: dict[str, Any] = {}
    for field in fields(record):
        value, inline = getattr(record, field.name), field.metadata.get("inline")
        if value is None and (inline or field.metadata.get("left_out")):
            continue
        written |= as_json(value) if inline else {_key(field): as_json(value)}
    return written
