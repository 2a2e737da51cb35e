"""What the modules of a package define, so that nothing lists them."""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Protocol, TypeVar


class Named(Protocol):
    """What is looked up by its name."""

    @property
    def name(self) -> str: ...


Found = TypeVar("Found", bound=Named)


def names_in(folders: Iterable[str]) -> list[str]:
    """The names of the modules in a package's folders; not those that begin with an underscore."""
    return [file.name for file in pkgutil.iter_modules(folders) if not file.name.startswith("_")]


def modules_of(package: str) -> Iterator[ModuleType]:
    """The modules of a package that `names_in` names, imported, by name."""
    for name in names_in(importlib.import_module(package).__path__):
        yield importlib.import_module(f"{package}.{name}")


def found_in(package: str, kind: type[Found]) -> dict[str, Found]:
    """The values of a kind that the package's modules have at their top level, by their names.

    Raises ValueError where two have one name.
    """
    found: dict[str, Found] = {}
    for module in modules_of(package):
        for value in vars(module).values():
            if isinstance(value, kind) and found.setdefault(value.name, value) is not value:
                raise ValueError(f"{module.__name__}: {value.name!r} is there already")
    return found
