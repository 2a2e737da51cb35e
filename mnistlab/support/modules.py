"""Finds what the modules of a package define, so that no list is needed."""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Protocol, TypeVar


class Named(Protocol):
    """An object with a name."""

    @property
    def name(self) -> str: ...


Found = TypeVar("Found", bound=Named)


def names_in(folders: Iterable[str]) -> list[str]:
    """The names of the modules in a package's folders, except those that begin with an
    underscore.
    """
    return [file.name for file in pkgutil.iter_modules(folders) if not file.name.startswith("_")]


def modules_of(package: str) -> Iterator[ModuleType]:
    """The modules of a package from `names_in`, imported, by name."""
    for name in names_in(importlib.import_module(package).__path__):
        yield importlib.import_module(f"{package}.{name}")


def found_in(package: str, kind: type[Found]) -> dict[str, Found]:
    """The values of type `kind` at the top level of the package's modules, by their names.

    Raises ValueError if two have the same name.
    """
    found: dict[str, Found] = {}
    for module in modules_of(package):
        for value in vars(module).values():
            if isinstance(value, kind) and found.setdefault(value.name, value) is not value:
                raise ValueError(f"{module.__name__}: {value.name!r} is there already")
    return found
