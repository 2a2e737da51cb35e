"""The parts of every section: its base class, its numbers, its choice by `type`."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NoReturn, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainValidator,
    WithJsonSchema,
    model_serializer,
)
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from mnistlab.support.run_weights import ALLOWED, BEST, FINAL, SNAPSHOT, weights_file

MAX_COUNT = 2**31 - 1
MAX_UNITS = 100_000

REFUSED = "refused"
UNKNOWN_TYPE = "unknown_type"


class Section(BaseModel):
    """A mapping of the configuration: it has known keys only, and is immutable.

    Its validator is made when it is first needed: those of all sections take a quarter of a second.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class BareSection(Section):
    """A section that has no key but `type`, so that the name of the type may replace
    the mapping.
    """

    @model_serializer
    def _type_alone(self) -> str:
        return type_of(self.__class__)


def refuse(allowed: str) -> NoReturn:
    """Refuse the current value; `allowed` completes the sentence "it must be ..."."""
    raise PydanticCustomError(REFUSED, "{allowed}", {"allowed": allowed})


def _nonempty(value: Any) -> Any:
    if not isinstance(value, str | Path) or not str(value).strip():
        refuse("a path")
    return value


Flag = Annotated[bool, Field(strict=True)]
Count = Annotated[int, Field(strict=True, ge=1, le=MAX_COUNT)]
CountOrZero = Annotated[int, Field(strict=True, ge=0, le=MAX_COUNT)]
Units = Annotated[int, Field(strict=True, ge=1, le=MAX_UNITS)]
Real = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Positive = Annotated[Real, Field(gt=0)]
NonNegative = Annotated[Real, Field(ge=0)]
Share = Annotated[Real, Field(ge=0, le=1)]
ShareBelowOne = Annotated[Real, Field(ge=0, lt=1)]
Text = Annotated[str, Field(strict=True, min_length=1, max_length=10_000)]
UserPath = Annotated[Path, BeforeValidator(_nonempty)]


def _weights_name(value: Any) -> str:
    if isinstance(value, str) and weights_file(value) is not None:
        return value
    refuse(ALLOWED)


WeightsName = Annotated[
    str,
    PlainValidator(_weights_name),
    WithJsonSchema(
        {"anyOf": [{"enum": [FINAL, BEST]}, {"type": "string", "pattern": f"^{SNAPSHOT.pattern}$"}]}
    ),
]


def is_whole(value: Any) -> bool:
    """Whether the value is an integer; neither `true` nor `10.0` is one."""
    return isinstance(value, int) and not isinstance(value, bool)


def _count_or(keyword: str, value: Any) -> int | str:
    if value == keyword or (is_whole(value) and 1 <= value <= MAX_COUNT):
        return value
    refuse(f"{keyword!r} or a whole number of at least 1")


def count_or(keyword: str) -> tuple[PlainValidator, WithJsonSchema]:
    """Annotations for a key whose value is an integer of at least 1, or one keyword."""
    schema = {"anyOf": [{"type": "integer", "minimum": 1}, {"const": keyword}]}
    return PlainValidator(partial(_count_or, keyword)), WithJsonSchema(schema)


class NumberAlone:
    """Annotation of a key: a bare number of units stands for `whole(number)`."""

    def __init__(self, whole: Callable[[int], Any]) -> None:
        self.whole = whole

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._whole, handler(source))

    def _whole(self, value: Any) -> Any:
        return self.whole(value) if is_whole(value) else value

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        number = {"type": "integer", "minimum": 1, "maximum": MAX_UNITS}
        return {"anyOf": [number, handler(schema)]}


def type_of(section: type[Section]) -> str:
    """The name that selects this section among its siblings, as the user writes it."""
    field = section.model_fields.get("type")
    return field.default if field else section.type  # type: ignore[attr-defined]


def keys_of(section: type[Section]) -> dict[str, FieldInfo]:
    """The section's keys as the user writes them, e.g. one that is a keyword of Python."""
    return {field.alias or name: field for name, field in section.model_fields.items()}


def tag(section: type[Section]) -> str:
    """The mark of a selected section in pydantic's error locations; no user's key looks like it."""
    return f"<{section.__name__}>"


def described(section: type[Section], handler: GetJsonSchemaHandler) -> dict[str, Any]:
    """The JSON schema of a section: a reference to its description, which stands once."""
    section.model_rebuild()
    own = section.__pydantic_core_schema__
    if "ref" in own:
        own = core_schema.definitions_schema(
            core_schema.definition_reference_schema(own["ref"]), [own]
        )
    return handler(own)


def _when_chosen(section: type[Section]) -> CoreSchema:
    """A member of a union whose validator is made when it is first chosen."""
    return core_schema.no_info_plain_validator_function(
        section.model_validate,
        metadata={
            "pydantic_js_annotation_functions": [lambda _, handler: described(section, handler)]
        },
    )


class ChosenUnion:
    """Annotation of a union of sections: selects one by the value, and marks the selection.

    `choose` takes the raw value and returns it normalised, with the section that it belongs to.
    """

    def __init__(self, choose: Callable[[Any], tuple[Any, type[Section]]]) -> None:
        self.choose = choose

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return self._union_of(get_args(source))

    def _union_of(self, members: tuple[type[Section], ...]) -> CoreSchema:
        union = core_schema.tagged_union_schema(
            choices={tag(member): _when_chosen(member) for member in members},
            discriminator=lambda value: tag(self._choice(members, value)[1]),
        )
        return core_schema.no_info_before_validator_function(
            lambda value: self._choice(members, value)[0], union
        )

    def _choice(self, members: tuple[type[Section], ...], value: Any) -> tuple[Any, type[Section]]:
        return (value, type(value)) if isinstance(value, members) else self.choose(value)


# The marks of the two forms of OneOrList in pydantic's error locations.
ALONE, LISTED = "<alone>", "<listed>"


class OneOrList:
    """Annotation of a tuple of sections: one section stands for a list that has it alone."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        item, _ = get_args(source)
        alone = core_schema.no_info_after_validator_function(
            lambda section: (section,), handler.generate_schema(item)
        )
        return core_schema.tagged_union_schema(
            choices={ALONE: alone, LISTED: handler(source)},
            discriminator=lambda value: LISTED if isinstance(value, list | tuple) else ALONE,
            serialization=core_schema.plain_serializer_function_ser_schema(_one_or_list),
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        listed = handler(schema["choices"][LISTED])
        alone = listed["items"]
        return {"anyOf": [*alone.get("anyOf", [alone]), listed]}


def _one_or_list(sections: Sequence[Section]) -> Any:
    """As the user writes it: a list only if there are several."""
    written = [section.model_dump(mode="json", by_alias=True) for section in sections]
    return written if len(written) > 1 else written[0]


class TypedUnion(ChosenUnion):
    """A union of sections selected by their `type`.

    A bare name stands for a mapping with that `type` only. `default` is the type of a mapping
    without one.
    """

    def __init__(self, default: str | None = None) -> None:
        super().__init__(self._by_type)
        self.default = default
        self.members: dict[str, type[Section]] = {}

    def _union_of(self, members: tuple[type[Section], ...]) -> CoreSchema:
        self.members = {type_of(member): member for member in members}
        return super()._union_of(members)

    def _by_type(self, value: Any) -> tuple[Any, type[Section]]:
        types = list(self.members)
        if isinstance(value, str):
            value = {"type": value}
        if not isinstance(value, Mapping):
            example = self.default or types[-1]
            refuse(f"one of {', '.join(types)}, or a mapping of keys such as {{type: {example}}}")
        if self.default is not None:
            value = {"type": self.default, **value}
        chosen = value.get("type")
        if not isinstance(chosen, str) or chosen not in self.members:
            raise PydanticCustomError(UNKNOWN_TYPE, "{types}", {"types": types})
        return value, self.members[chosen]

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        choices = handler(schema)["oneOf"]
        named: list[dict[str, Any]] = [
            choice if name == self.default else {**choice, "required": ["type"]}
            for name, choice in zip(self.members, choices, strict=True)
        ]
        alone = [name for name, member in self.members.items() if stands_alone(member)]
        return {"anyOf": [{"enum": alone}, *named]}


def stands_alone(section: type[Section]) -> bool:
    """Whether the name of a section says enough: none of its keys is required."""
    return not any(field.is_required() for field in section.model_fields.values())
