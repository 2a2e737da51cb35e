"""The configuration's `loss`, `regularization`, `training` and `reference`."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    PlainSerializer,
    PlainValidator,
    SerializerFunctionWrapHandler,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    field_validator,
    model_serializer,
    model_validator,
)

from mnistlab.blocks.section import (
    Count,
    Flag,
    NonNegative,
    Positive,
    Real,
    Section,
    Share,
    Text,
    count_or,
    refuse,
)
from mnistlab.support.metric_names import is_accuracy
from mnistlab.support.stated import Stated

DEFAULT_EPOCHS = 10


def _regularized_layers(value: Any) -> tuple[str, ...] | str:
    if value in ("all", "last"):
        return value
    if isinstance(value, list | tuple) and value and all(isinstance(name, str) for name in value):
        return tuple(value)
    refuse("'all', 'last', or a list of layer names such as [dense1]")


BatchSize = Annotated[int | Literal["full"], *count_or("full")]
Interval = Annotated[int | Literal["epoch"], *count_or("epoch")]
RegularizedLayers = Annotated[
    tuple[str, ...] | Literal["all", "last"],
    PlainValidator(_regularized_layers),
    PlainSerializer(lambda layers: layers if isinstance(layers, str) else list(layers)),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": ["all", "last"]},
                {"type": "array", "items": {"type": "string"}, "minItems": 1},
            ]
        }
    ),
]


class RegularizationConfig(Section):
    """L1 and L2 penalties on the weights, and a bound of their norms; biases are left out."""

    l1: NonNegative = Field(default=0.0, description="Adds l1 * sum |W| to the objective.")
    l2: NonNegative = Field(default=0.0, description="Adds l2 * sum W^2 to the objective.")
    max_norm: Positive | None = Field(
        default=None,
        description="After each step, the incoming weights of each unit or filter are scaled down "
        "to this norm where theirs is larger.",
    )
    layers: RegularizedLayers = Field(
        default="all", description="The regularised layers: all, last, or a list of names."
    )
    mode: Literal["gradient", "step", "proximal"] = Field(
        default="gradient",
        description="gradient: add the penalty's gradient; step: each step also subtracts "
        "l1 * sign(W) + l2 * W; proximal: soft-threshold by lr * l1, which gives exact zeros.",
    )


class EarlyStopping(Section):
    """Stop when a metric has not improved for a while, and keep the best weights."""

    monitor: Literal["val_loss", "val_accuracy", "train_loss", "train_accuracy"] = Field(
        default="val_loss", description="The monitored metric."
    )
    mode: Literal["min", "max"] = Field(
        default="min",
        description="min: lower is better; max: higher is better. Default: min for losses, max for "
        "accuracies.",
    )
    patience: Count = Field(
        default=5, description="Evaluations without improvement before stopping."
    )
    min_delta: NonNegative = Field(
        default=0.0,
        description="The smallest change that counts as an improvement. The weights of the last "
        "improvement are kept.",
    )

    @model_validator(mode="before")
    @classmethod
    def _better_by_monitor(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and "mode" not in values:
            accuracy = is_accuracy(str(values.get("monitor")))
            return {**values, "mode": "max" if accuracy else "min"}
        return values


class TrainingConfig(Section):
    """The length of the training, its batches, its evaluations and its checkpoints."""

    epochs: Count | None = Field(
        default=None,
        description="Passes over the training set; 10 if `steps` is not given either.",
    )
    steps: Count | None = Field(default=None, description="The number of steps, instead of epochs.")
    batch_size: BatchSize = Field(
        default=32, description="Images per step, or full for all images."
    )
    shuffle: Literal["none", "epoch", "replacement"] = Field(
        default="epoch",
        description="none; epoch: a new order each epoch; replacement: each batch is drawn with "
        "replacement.",
    )
    drop_last: Flag = Field(
        default=False, description="Drop the last batch of an epoch if it is not full."
    )
    evaluate_every: Interval = Field(
        default="epoch", description="When metrics are measured: epoch, or a number of steps."
    )
    train_metrics: Literal["running", "batch", "full"] = Field(
        default="running",
        description="running: means over the steps since the last row; batch: only the last "
        "batch; full: the whole training set.",
    )
    test: Literal["never", "end", "every"] = Field(
        default="end", description="When the test set is evaluated."
    )
    early_stopping: EarlyStopping | None = Field(
        default=None, description="null, or {monitor: val_loss, patience: 5}."
    )
    checkpoint_every: Interval = Field(
        default="epoch", description="When a checkpoint is written: epoch, or a number of steps."
    )
    average_last: Count | None = Field(
        default=None,
        description="The final weights are the mean of the weights after each of the last N "
        "epochs; running statistics are measured anew, in one more pass over the training images. "
        "The final metrics are those of the mean.",
    )
    snapshots: Count | None = Field(
        default=None,
        description="Keep the weights after every N-th epoch, in checkpoints/epoch-N.safetensors.",
    )
    dtype: Literal["float32", "float64"] = Field(
        default="float32", description="The floating-point type of weights and computation."
    )
    kernels: Literal["fast", "plain"] = Field(
        default="fast",
        description="fast: the fastest kernels for these shapes; plain: only the plain "
        "definitions, for debugging. Both agree up to rounding.",
    )

    @model_validator(mode="before")
    @classmethod
    def _some_length(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        if values.get("epochs") is None and values.get("steps") is None:
            return {**values, "epochs": DEFAULT_EPOCHS}
        return values

    @model_serializer(mode="wrap")
    def _one_length(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        values = serialize(self)
        unused = [key for key in ("epochs", "steps") if values[key] is None]
        return {key: value for key, value in values.items() if key not in unused}


class Reference(Section):
    """The results that a paper or report states for this experiment."""

    source: Text | None = Field(default=None, description="The paper or report.")
    train_loss: Real | None = Field(
        default=None, description="The stated loss on the training set."
    )
    train_accuracy: Share | None = Field(default=None, description="The stated accuracy, 0 to 1.")
    val_loss: Real | None = Field(
        default=None, description="The stated loss on the validation set."
    )
    val_accuracy: Share | None = Field(default=None, description="The stated accuracy, 0 to 1.")
    test_loss: Real | None = Field(default=None, description="The stated loss on the test set.")
    test_accuracy: Share | None = Field(default=None, description="The stated accuracy, 0 to 1.")
    penalty: NonNegative | None = Field(default=None, description="The stated penalty.")
    seconds: NonNegative | None = Field(default=None, description="The stated training time.")
    train_objective: Real | None = Field(default=None, description="Loss + penalty, training set.")
    val_objective: Real | None = Field(default=None, description="Loss + penalty, validation set.")
    test_objective: Real | None = Field(default=None, description="Loss + penalty, test set.")

    @field_validator("*", mode="wrap")
    @classmethod
    def _as_written(cls, value: Any, validated: ValidatorFunctionWrapHandler) -> Any:
        """Keep a stated number with its trailing zeros."""
        found = validated(value)
        return value if isinstance(value, Stated) and isinstance(found, float) else found

    @model_serializer(mode="wrap")
    def _stated_alone(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in serialize(self).items() if value is not None}
