"""The configuration's `data`: which images, and how they are split and scaled."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainValidator,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, core_schema

from mnistlab.blocks.section import MAX_COUNT, Count, Flag, Section, UserPath, is_whole, refuse
from mnistlab.data.sources import SOURCES, with_path

if TYPE_CHECKING:
    SourceName = str
else:
    SourceName = Literal[tuple(SOURCES)]
Choice = Literal["end", "random", "stratified"]


def _images(value: Any) -> int | float | str:
    whole = is_whole(value) and 0 <= value <= MAX_COUNT
    if value == "auto" or whole or (isinstance(value, float) and 0 < value < 1):
        return value
    refuse("'auto', a whole number of images (0: none), or a fraction above 0 and below 1")


def _distinct(labels: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(labels)) < len(labels):
        refuse("a list in which each label stands once")
    return labels


Label = Annotated[int, Field(strict=True, ge=0, le=65_535)]
IMAGES_SCHEMA: list[dict[str, Any]] = [
    {"const": "auto"},
    {"type": "integer", "minimum": 0},
    {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
]
Images = Annotated[
    int | float | Literal["auto"], PlainValidator(_images), WithJsonSchema({"anyOf": IMAGES_SCHEMA})
]


class ValidationImages(Section):
    """How many of the training images are for validation, and which."""

    images: Images = Field(
        default="auto",
        description="A count, or a fraction below 1; 0: none; auto: 10000 for the sets of 60,000 "
        "images, else 0.2.",
    )
    choose: Choice = Field(
        default="end",
        description="end: the last of the training set; random: drawn by the seed; stratified: "
        "drawn by the seed from each class by its share. What is drawn keeps its order.",
    )


class _ImagesOrMapping:
    """Annotation of a key that is a number of images, or a mapping that says which.

    The number alone stands for a mapping that chooses from the end.
    """

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        plain = core_schema.plain_serializer_function_ser_schema(
            lambda value: value.model_dump() if isinstance(value, ValidationImages) else value
        )
        return core_schema.no_info_wrap_validator_function(
            self._checked, handler.generate_schema(ValidationImages), serialization=plain
        )

    @staticmethod
    def _checked(value: Any, as_section: Any) -> Any:
        if not isinstance(value, Mapping | ValidationImages):
            return _images(value)
        section = as_section(value)
        return section.images if section.choose == "end" else section

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"anyOf": [*IMAGES_SCHEMA, handler(schema["schema"])]}


class DataConfig(Section):
    """Which images a run learns from, and how they are split and scaled."""

    source: SourceName = Field(
        default="mnist",
        description="Where the images come from: a known dataset (digits needs no network), or "
        "your own files in the format named here, with `path`.",
    )
    path: UserPath | None = Field(
        default=None,
        description=f"For {', '.join(with_path())}: the folder or file of your own data, relative "
        "to this configuration.",
    )
    validation: Annotated[int | float | Literal["auto"] | ValidationImages, _ImagesOrMapping()] = (
        Field(
            default="auto",
            description="Images taken off the end of the training set to judge by: a count, or a "
            "fraction below 1; 0: none; auto: 10000 for the sets of 60,000 images, else 0.2. Or a "
            "mapping that says which: {images: 10000, choose: stratified}.",
        )
    )
    per_class_limit: Count | None = Field(
        default=None, description="At most the first N training images of each class."
    )
    train_limit: Count | None = Field(
        default=None, description="At most the first N training images."
    )
    classes: Annotated[tuple[Label, ...], Field(min_length=1), AfterValidator(_distinct)] | None = (
        Field(
            default=None,
            description="Keep these labels alone, on every split, e.g. [1, 9]; there is still one "
            "output per label of the source.",
        )
    )
    shuffle_once: Flag = Field(
        default=False, description="One seeded shuffle of the training part, after the limits."
    )
    normalize: Literal["minmax", "standardize", "none"] = Field(
        default="minmax",
        description="minmax: pixel / 255; standardize: one mean and one standard deviation, of "
        "the training part; none: pixels as they are, 0 to 255.",
    )

    @property
    def validation_images(self) -> int | float | Literal["auto"]:
        """How many images are for validation: a count, a fraction below 1, or auto."""
        if isinstance(self.validation, ValidationImages):
            return self.validation.images
        return self.validation

    @property
    def validation_choice(self) -> Choice:
        """Which of the training images are for validation."""
        return self.validation.choose if isinstance(self.validation, ValidationImages) else "end"

    @property
    def depends_on_seed(self) -> bool:
        """Whether another seed gives another split, or another order."""
        return self.shuffle_once or self.validation_choice != "end"
