"""From a name to its block: the only dispatch.

A family of blocks is a package. Each of its modules whose name does not begin with an underscore
may define blocks: subclasses of the family's base class, which the configuration selects by their
`type`. No list names them: a new file is a new block. Looking up an unknown name is always an
error.
"""

import inspect
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Generic, TypeVar

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema

from mnistlab.blocks.section import Section, TypedUnion, type_of
from mnistlab.support.modules import modules_of

Block = TypeVar("Block", bound=Section)


class Family(Generic[Block]):
    """The blocks of a package: all subclasses of `base` that its modules define.

    `package` is the package's name. Only blocks for which `accepts` is true are included.
    """

    def __init__(
        self,
        package: str,
        base: type[Block],
        accepts: Callable[[type[Block]], bool] = lambda block: True,
    ) -> None:
        self.package = package
        self.base = base
        self._accepts = accepts

    def where(self, accepts: Callable[[type[Block]], bool]) -> "Family[Block]":
        """The blocks of this family for which `accepts` is true."""
        return Family(self.package, self.base, accepts)

    @cached_property
    def blocks(self) -> Mapping[str, type[Block]]:
        """Every block by its name in the configuration, in alphabetical order."""
        found: dict[str, type[Block]] = {}
        for module in modules_of(self.package):
            for _, block in inspect.getmembers(module, self._is_block):
                if block.__module__ == module.__name__ and self._accepts(block):
                    found[type_of(block)] = block
        return dict(sorted(found.items()))

    def _is_block(self, value: Any) -> bool:
        return inspect.isclass(value) and issubclass(value, self.base) and value is not self.base


class OneOf(TypedUnion):
    """Annotation of a key whose value is a block of a family; see TypedUnion."""

    def __init__(
        self,
        family: Family[Any],
        default: str | None = None,
        each: Callable[[Any], type[Section]] = lambda block: block,
    ) -> None:
        """`each` converts a block to the section that this key uses for it."""
        super().__init__(default)
        self.family = family
        self.each = each

    @cached_property
    def sections(self) -> tuple[type[Section], ...]:
        """The sections that may be the value of this key."""
        return tuple(map(self.each, self.family.blocks.values()))

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return self._union_of(self.sections, handler)
