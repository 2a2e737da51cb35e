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

    def __init__(self, fault: str, key: str = "") -> None:
        super().__init__(f"{key}: {fault}" if key else fault)
        self.fault = fault
        self.key = key

    def under(self, key: str) -> "JsonTypeError":
        """The same error of a value that is in the value of `key`."""
        joint = "." if self.key and not self.key.startswith("[") else ""
        return JsonTypeError(self.fault, f"{key}{joint}{self.key}")


def read_record(kind: Any, found: Any) -> Any:
    """A dataclass from a JSON object; unknown keys are ignored.

    Raises JsonTypeError that names the key of the first value that is missing or has another type.
    """
    if not isinstance(found, Mapping):
        raise _wrong(found, "an object")
    values = {}
    for name, key, read, inline, is_required in _fields(kind):
        if inline is not None:
            values[name] = _read_inline(inline, found)
        elif key in found:
            try:
                values[name] = read(found[key])
            except JsonTypeError as error:
                raise error.under(key) from None
        elif is_required:
            raise JsonTypeError("is missing", key)
    return kind(**values)


def _key(field: Field[Any]) -> str:
    return str(field.metadata.get("key", field.name))


# Hundreds of runs are read at once: types are looked at only once, and a reader is not told of its
# key, which only an error needs.
Reader = Callable[[Any], Any]


@cache
def _fields(kind: Any) -> list[tuple[str, str, Reader, Any, bool]]:
    """Each field of a dataclass: its name, its key, how it is read, its dataclass if it is inline,
    and whether it must be there.
    """
    hints = get_type_hints(kind, include_extras=True)
    return [
        (
            field.name,
            _key(field),
            _reader(hints[field.name]),
            _without_none(hints[field.name]) if field.metadata.get("inline") else None,
            field.default is MISSING and field.default_factory is MISSING,
        )
        for field in fields(kind)
    ]


def _read_inline(kind: Any, found: Mapping[str, Any]) -> Any:
    if not any(key in found for _, key, *_ in _fields(kind)):
        return None
    return read_record(kind, found)


@cache
def _reader(declared: Any) -> Reader:
    """How a value of a declared type is read."""
    if declared is Any:
        return lambda found: found
    origin, parts = get_origin(declared), get_args(declared)
    if origin is UnionType:
        inner = _reader(_without_none(declared))
        return lambda found: None if found is None else inner(found)
    if origin is dict:
        return _mapping_reader(_reader(parts[1]))
    if origin in (list, tuple):
        is_any_length = origin is list or parts[-1] is Ellipsis
        return _items_reader(
            origin, [_reader(p) for p in parts if p is not Ellipsis], is_any_length
        )
    if is_dataclass(declared):
        return partial(read_record, declared)
    if isinstance(declared, type) and issubclass(declared, StrEnum):
        return partial(_read_name, declared)
    return _SCALARS[declared]


def _mapping_reader(read: Reader) -> Reader:
    def read_mapping(found: Any) -> dict[str, Any]:
        if not isinstance(found, Mapping):
            raise _wrong(found, "an object")
        values = {}
        for name, value in found.items():
            try:
                values[name] = read(value)
            except JsonTypeError as error:
                raise error.under(name) from None
        return values

    return read_mapping


def _items_reader(origin: Any, readers: Sequence[Reader], is_any_length: bool) -> Reader:
    """Of a list[X], a tuple[X, ...], or a tuple of a fixed length."""

    def read_items(found: Any) -> Any:
        if not isinstance(found, list):
            raise _wrong(found, "a list")
        each = [*readers] * len(found) if is_any_length else readers
        if len(found) != len(each):
            raise _wrong(found, f"a list of {len(each)}")
        items = []
        for read, item in zip(each, found, strict=True):
            try:
                items.append(read(item))
            except JsonTypeError as error:
                raise error.under(f"[{len(items)}]") from None
        return origin(items)

    return read_items


def _read_text(found: Any) -> str:
    if isinstance(found, str):
        return found
    raise _wrong(found, "text")


def _read_flag(found: Any) -> bool:
    if isinstance(found, bool):
        return found
    raise _wrong(found, "true or false")


def _read_whole(least: int, found: Any) -> int:
    if type(found) is int and found >= least:
        return found
    raise _wrong(found, f"a whole number from {least}")


def _read_number(found: Any) -> float:
    if type(found) in (int, float):
        with suppress(OverflowError):
            if math.isfinite(number := float(found)):
                return number
    raise _wrong(found, "a number")


def _read_time(found: Any) -> datetime:
    with suppress(TypeError, ValueError):
        if (time := datetime.fromisoformat(found)).tzinfo is not None:
            return time
    raise _wrong(found, "a time with its zone, such as 2026-11-21T14:25:30+00:00")


def _read_name(names: type[StrEnum], found: Any) -> StrEnum:
    if found in list(names):
        return names(found)
    raise _wrong(found, f"one of {', '.join(names)}")


_SCALARS: dict[Any, Reader] = {
    str: _read_text,
    bool: _read_flag,
    int: partial(_read_whole, 0),
    Positive: partial(_read_whole, 1),
    float: _read_number,
    datetime: _read_time,
}


def _without_none(declared: Any) -> Any:
    """X of X | None, the only union that a record may have."""
    (kind,) = (part for part in get_args(declared) if part is not NoneType)
    return kind


def _wrong(found: Any, expected: str) -> JsonTypeError:
    shown = repr(found)
    shown = shown if len(shown) <= MAX_SHOWN else f"{shown[:MAX_SHOWN]} …"
    return JsonTypeError(f"found {shown}, expected {expected}")


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
