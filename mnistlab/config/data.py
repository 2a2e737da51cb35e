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

from mnistlab.blocks.augmentations import Augmentation
from mnistlab.blocks.section import (
    MAX_COUNT,
    Count,
    Flag,
    NumberAlone,
    Section,
    Share,
    UserPath,
    is_whole,
    refuse,
)
from mnistlab.data.preparation import Preparation
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
        refuse("a list without repeated labels")
    return labels


def _distinct_names(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) < len(names) or not all(name.isprintable() for name in names):
        refuse("a list of printable names, none of them twice")
    return names


Side = Annotated[int, Field(strict=True, ge=1, le=1024)]
ClassName = Annotated[str, Field(strict=True, min_length=1, max_length=60)]
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
    """The number of validation images, and how they are chosen from the training images."""

    images: Images = Field(
        default="auto",
        description="A count, or a fraction below 1; 0: none; auto: 10000 for datasets of 60,000 "
        "images, else 0.2.",
    )
    choose: Choice = Field(
        default="end",
        description="end: the last images of the training set; random: drawn with the seed; "
        "stratified: drawn with the seed, with each class in proportion. Drawn images keep their "
        "order.",
    )


class _ImagesOrMapping:
    """Annotation of a key that is a number of images, or a mapping with the choice.

    A bare number means a mapping that chooses from the end.
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
    """The dataset, and how it is split and scaled."""

    source: SourceName = Field(
        default="mnist",
        description="A known dataset (digits needs no internet connection), or the format of your "
        "own files at `path`.",
    )
    path: UserPath | None = Field(
        default=None,
        description=f"For {', '.join(with_path())}: the folder or file of your own data, relative "
        "to this configuration.",
    )
    validation: Annotated[int | float | Literal["auto"] | ValidationImages, _ImagesOrMapping()] = (
        Field(
            default="auto",
            description="The last images of the training set, held out for validation: a count, or "
            "a fraction below 1; 0: none; auto: 10000 for datasets of 60,000 images, else 0.2. A "
            "mapping chooses other images: {images: 10000, choose: stratified}.",
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
            description="Keep only these labels in every split, e.g. [1, 9]. The network still has "
            "one output per label of the source.",
        )
    )
    class_names: (
        Annotated[
            tuple[ClassName, ...],
            Field(min_length=2, max_length=256),
            AfterValidator(_distinct_names),
        ]
        | None
    ) = Field(
        default=None,
        description="The names of the classes, in the order of their labels. Default: those of the "
        "dataset, or of the folders of your own images, else the labels.",
    )
    shuffle_once: Flag = Field(
        default=False,
        description="Shuffle the training images once, after the limits, with the seed.",
    )
    normalize: Literal["minmax", "standardize", "none"] = Field(
        default="minmax",
        description="minmax: pixel / 255; standardize: by one mean and one standard deviation of "
        "the training images; none: raw pixels, 0 to 255.",
    )

    label_noise: Share = Field(
        default=0.0,
        description="The share of training labels that are replaced by another class, drawn with "
        "the seed. Labels of validation and test images stay right.",
    )
    shuffle_labels: Flag = Field(
        default=False,
        description="The training images get each other's labels, in an order drawn with the seed.",
    )
    transpose: Flag = Field(
        default=False,
        description="Swap rows and columns of every image, as EMNIST's files need if `idx` reads "
        "them.",
    )
    invert: Flag = Field(
        default=False,
        description="Replace every pixel by 255 less it: dark on light becomes light on dark.",
    )
    deskew: Flag = Field(
        default=False,
        description="Move the rows of every image sideways, so that slanted digits stand upright.",
    )
    resize: (
        Annotated[
            Annotated[tuple[Side, ...], Field(min_length=2, max_length=2)],
            NumberAlone(lambda side: [side, side]),
        ]
        | None
    ) = Field(
        default=None,
        description="The size of every image in pixels, [height, width] or one number for both: "
        "means by area.",
    )
    permute_pixels: Annotated[int, Field(strict=True, ge=0, lt=2**63)] | None = Field(
        default=None,
        description="A seed: the pixels of every image change places, in one random order.",
    )
    augment: Annotated[tuple[Augmentation, ...], Field(max_length=20)] = Field(
        default=(),
        description="Random changes of the training images, drawn anew in each epoch, e.g. "
        "[{shift: 2}, {elastic: {alpha: 34, sigma: 4}}]. Evaluation sees the images as they are.",
    )

    @property
    def validation_images(self) -> int | float | Literal["auto"]:
        """The number of validation images: a count, a fraction below 1, or auto."""
        if isinstance(self.validation, ValidationImages):
            return self.validation.images
        return self.validation

    @property
    def validation_choice(self) -> Choice:
        """How the validation images are chosen from the training images."""
        return self.validation.choose if isinstance(self.validation, ValidationImages) else "end"

    @property
    def depends_on_seed(self) -> bool:
        """Whether another seed gives another split, or another order."""
        labels = self.label_noise > 0 or self.shuffle_labels
        return self.shuffle_once or labels or self.validation_choice != "end"

    @property
    def preparation(self) -> Preparation:
        """The changes of every image."""
        height_and_width = None if self.resize is None else (self.resize[0], self.resize[1])
        return Preparation(
            transpose=self.transpose,
            invert=self.invert,
            deskew=self.deskew,
            resize=height_and_width,
            permute_pixels=self.permute_pixels,
        )
