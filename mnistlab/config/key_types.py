"""The types that a configuration's schema allows for the key at a path."""

from collections.abc import Iterator, Sequence
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from mnistlab.blocks.registry import OneOf
from mnistlab.blocks.section import Section, keys_of


def has_a_type(top: type[Section], path: Sequence[str | int]) -> bool:
    """Whether the value at a path is selected by its `type`, so that a bare name is that type."""
    return bool(typed_sections(top, path))


def has_key(top: type[Section], path: Sequence[str | int]) -> bool:
    """Whether the schema knows a key at the path."""
    return bool(_annotations(top, path))


def sections_at(top: type[Section], path: Sequence[str | int]) -> list[type[Section]]:
    """The sections that the value at a path may be."""
    return [one for one in _annotations(top, path) if _is_section(one)]


def typed_sections(top: type[Section], path: Sequence[str | int]) -> list[type[Section]]:
    """The sections that the `type` of the value at a path selects from."""
    return [one for one in sections_at(top, path) if "type" in one.model_fields]


def takes_a_list(top: type[Section], path: Sequence[str | int]) -> bool:
    """Whether the value at a path may be a list."""
    return any(get_origin(one) is tuple for one in _annotations(top, path))


def number_types(top: type[Section], path: Sequence[str | int]) -> set[type]:
    """Which of int and float the value at a path may be."""
    return {int, float}.intersection(
        one for one in _annotations(top, path) if isinstance(one, type)
    )


def sections_of(field: FieldInfo) -> tuple[type[Section], ...]:
    """The sections that may be a key's value, or in it."""
    return tuple(_sections(_alternatives(field.annotation, field.metadata)))


def _sections(annotations: Sequence[Any]) -> Iterator[type[Section]]:
    for one in annotations:
        if _is_section(one):
            yield one
        else:
            yield from _sections([x for inner in get_args(one) for x in _alternatives(inner)])


def _is_section(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Section)


def _annotations(top: type[Section], path: Sequence[str | int]) -> list[Any]:
    """The types that the value at a path may have; empty if no section has such a key."""
    found: list[Any] = [top]
    for key in path:
        found = [below for one in found for below in _below(one, str(key))]
    return found


def _below(annotation: Any, key: str) -> list[Any]:
    """The types allowed for a key of a section or mapping, or for an item of a list."""
    if _is_section(annotation):
        field = keys_of(annotation).get(key)
        return [] if field is None else _alternatives(field.annotation, field.metadata)
    inner = get_args(annotation)
    if get_origin(annotation) is tuple:
        return _alternatives(inner[0])
    return _alternatives(inner[1]) if get_origin(annotation) is dict else []


def _alternatives(annotation: Any, metadata: Sequence[Any] = ()) -> list[Any]:
    """The members of a union, and of a union in it."""
    for choice in metadata:
        if isinstance(choice, OneOf):
            return list(choice.sections)
    if get_origin(annotation) is Annotated:
        inner, *about = get_args(annotation)
        return _alternatives(inner, about)
    if get_origin(annotation) in (Union, UnionType):
        return [one for member in get_args(annotation) for one in _alternatives(member)]
    return [annotation]
