"""The configuration's `data`: which images, and how they are split and scaled."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema

from mnistlab.config.base import MAX_COUNT, Count, Flag, Section, UserPath, is_whole, refuse

# Their labels are 0 to 9; a user's own files may have other labels.
NAMED_SOURCES = ("mnist", "fashion-mnist", "kmnist", "digits")
FILE_SOURCES = ("idx", "png", "csv", "npz")


def _validation(value: Any) -> int | float | str:
    whole = is_whole(value) and 0 <= value <= MAX_COUNT
    if value == "auto" or whole or (isinstance(value, float) and 0 < value < 1):
        return value
    refuse("'auto', a whole number of images (0: none), or a fraction above 0 and below 1")


def _distinct(labels: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(labels)) < len(labels):
        refuse("a list in which each label stands once")
    return labels


Label = Annotated[int, Field(strict=True, ge=0, le=65_535)]
Validation = Annotated[
    int | float | Literal["auto"],
    PlainValidator(_validation),
    WithJsonSchema(
        {
            "anyOf": [
                {"const": "auto"},
                {"type": "integer", "minimum": 0},
                {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
            ]
        }
    ),
]


class DataConfig(Section):
    """Which images a run learns from, and how they are split and scaled."""

    source: Literal["mnist", "fashion-mnist", "kmnist", "digits", "idx", "png", "csv", "npz"] = (
        Field(
            default="mnist",
            description="Where the images come from: a known dataset (digits needs no network), "
            "or your own files in the format named here, with `path`.",
        )
    )
    path: UserPath | None = Field(
        default=None,
        description="For idx, png, csv and npz: the folder or file of your own data, relative to "
        "this configuration.",
    )
    validation: Validation = Field(
        default="auto",
        description="Images taken off the end of the training set to judge by: a count, or a "
        "fraction below 1; 0: none; auto: 10000 for the sets of 60,000 images, else 0.2.",
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
