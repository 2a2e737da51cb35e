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
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from mnistlab.blocks.section import (
    GetJsonSchemaHandler,
    Section,
    TypedUnion,
    refuse,
    stands_alone,
    type_of,
)
from mnistlab.support.modules import modules_of
from mnistlab.support.near_names import did_you_mean

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


class Extended(Generic[Block]):
    """The blocks of a family, each with the keys of `keys` in addition to its own.

    The class of a block is called `name`, with the block's class in place of {}; its docstring is
    `doc`, with the block's type. `keys` is defined in the module that makes this. Set the module's
    `__getattr__` to `class_named`: so a configuration with such a block can be unpickled.
    """

    def __init__(self, family: Family[Block], keys: type[Section], name: str, doc: str) -> None:
        self.family = family
        self.keys = keys
        self._name = name
        self._doc = doc
        self._made: dict[type[Block], type[Section]] = {}

    def of(self, block: type[Block]) -> type[Section]:
        """The block with the additional keys."""
        if block not in self._made:
            doc = self._doc.format(block.model_fields["type"].default)
            members = {"__doc__": doc, "__module__": self.keys.__module__}
            name = self._name.format(block.__name__)
            self._made[block] = type(name, (self.keys, block), members)
        return self._made[block]

    def class_named(self, name: str) -> type[Section]:
        """The class that `of` makes, by its name. Raises AttributeError if there is none."""
        for block in self.family.blocks.values():
            if name == self._name.format(block.__name__):
                return self.of(block)
        raise AttributeError(f"module {self.keys.__module__!r} has no attribute {name!r}")


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
        return self._union_of(self.sections)


class ItemOf(OneOf):
    """Annotation of an item of a list: a block of a family, chosen by the item's one key.

    A block that needs no value may be named alone. `kind` is what messages call an item, `example`
    is an item of the list.
    """

    def __init__(self, family: Family[Any], kind: str, example: str) -> None:
        super().__init__(family)
        self.kind = kind
        self.example = example

    def _by_type(self, value: Any) -> tuple[Any, type[Section]]:
        blocks = self.family.blocks
        for name in filter(lambda name: stands_alone(blocks[name]), blocks):
            if value in (name, {name: None}):
                return blocks[name](), blocks[name]
        kinds = [kind for kind in value if kind in blocks] if isinstance(value, Mapping) else []
        if len(kinds) > 1:
            refuse(f"one {self.kind}; {' and '.join(kinds)} each need an item ('- ') of their own")
        if kinds:
            return value, blocks[kinds[0]]
        named = next(iter(value), None) if isinstance(value, Mapping) else value
        if isinstance(named, str) and named in blocks:
            refuse(f"a mapping: {named} needs a value, as in '- {named}: …'")
        instead = f", not {named!r}" if isinstance(value, Mapping) and value else ""
        hint = did_you_mean(str(named), blocks) if named is not None else ""
        refuse(f"one of {', '.join(blocks)}, such as '- {self.example}'{instead}{hint}")

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        items: list[dict[str, Any]] = []
        for (name, block), item in zip(
            self.family.blocks.items(), handler(schema)["oneOf"], strict=True
        ):
            if stands_alone(block):
                items.append({"const": name, "description": _meaning(name, block)})
            items += [item] if block.model_fields else []
        return {"anyOf": items}


def _meaning(name: str, block: type[Section]) -> str:
    """What the name of a block means alone."""
    for field in block.model_fields.values():
        default = field.default
        if isinstance(default, Section):
            keys = ", ".join(f"{key}: {value}" for key, value in default.model_dump().items())
            default = f"{{{keys}}}"
        return f"Short for `{name}: {default}`."
    return inspect.cleandoc(block.__doc__ or "")
