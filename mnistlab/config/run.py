"""The whole configuration of one run."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import Field, PrivateAttr, model_validator

from mnistlab.blocks.inits import InitConfig
from mnistlab.blocks.losses import Loss
from mnistlab.blocks.losses.cross_entropy import CrossEntropy
from mnistlab.blocks.models import Model
from mnistlab.blocks.models.mlp import MLPModel
from mnistlab.blocks.optimizers import Optimizer
from mnistlab.blocks.optimizers.sgd import SGD
from mnistlab.blocks.schedules import LRSchedule
from mnistlab.blocks.schedules.constant import ConstantSchedule
from mnistlab.blocks.section import MAX_COUNT, Section, UserPath
from mnistlab.config.checks import refuse_conflicts, run_conflicts
from mnistlab.config.data import DataConfig
from mnistlab.config.source_nodes import Node
from mnistlab.config.training import Reference, RegularizationConfig, TrainingConfig
from mnistlab.support.whole_numbers import whole_number

# The name is part of a run's folder name, so it must not contain a path.
NAME_PATTERN = r"^[A-Za-z0-9_-][A-Za-z0-9._-]*$"

Name = Annotated[str, Field(strict=True, max_length=100, pattern=NAME_PATTERN)]
Seed = Annotated[int, Field(strict=True, ge=0, lt=2**63)]


# The first keys of messages after the data and the layers have been checked.
KEY_OF_MESSAGE = re.compile(r"((?:data|init|loss|lr_schedule|model|training)(?:\.\w+)+): ")


class Origin:
    """Where a configuration was written, if anywhere; not part of its value."""

    def __init__(self, root: Node | None = None) -> None:
        self.root = root

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Origin)

    __hash__ = None  # type: ignore[assignment]


class RunConfig(Section):
    """The configuration of one run: data, model, training."""

    _origin: Origin = PrivateAttr(default_factory=Origin)

    base: UserPath | None = Field(
        default=None,
        exclude=True,
        description="Another file of a run, relative to this file. Its keys hold where this file "
        "does not set them.",
    )
    name: Name = Field(
        default="mlp",
        description="Part of the run folder's name: letters from a to z, digits, . _ -. Default: "
        "the model's type.",
    )
    seed: Seed = Field(default=0, description="The seed of every random number of the run.")
    data: DataConfig = Field(
        default=DataConfig(), description="The images, and how they are split."
    )
    model: Model = Field(default=MLPModel(), description="The network: softmax, mlp or cnn.")
    loss: Loss = Field(default=CrossEntropy(), description="The loss that training minimises.")
    regularization: RegularizationConfig = Field(
        default=RegularizationConfig(), description="L1 and L2 penalties on the weights."
    )
    init: InitConfig = Field(
        default={"type": "he_normal"},
        validate_default=True,
        description="The initial weights and biases.",
    )
    optimizer: Optimizer = Field(default=SGD(), description="The optimizer.")
    lr_schedule: LRSchedule = Field(
        default=ConstantSchedule(), description="How the learning rate changes during training."
    )
    training: TrainingConfig = Field(
        default=TrainingConfig(epochs=10),
        description="Length, batches, evaluations and checkpoints.",
    )
    reference: Reference | None = Field(
        default=None,
        description="The results that a paper or report states for this experiment, to compare "
        "with.",
    )

    @model_validator(mode="before")
    @classmethod
    def _name_after_model(cls, values: Any) -> Any:
        if not isinstance(values, Mapping) or "name" in values:
            return values
        model = values.get("model")
        if isinstance(model, Mapping):
            model = model.get("type")
        chosen = model if isinstance(model, str) else getattr(model, "type", None)
        return {**values, "name": chosen} if chosen in ("softmax", "cnn") else values

    @model_validator(mode="after")
    def _keys_agree(self) -> Self:
        refuse_conflicts(run_conflicts(self))
        return self

    def written_at(self, root: Node) -> Self:
        """This configuration with the positions of its keys."""
        self._origin = Origin(root)
        return self

    def located(self, message: str) -> str:
        """A message that begins with a key (`data.path: …`), with the key's position in front."""
        named = KEY_OF_MESSAGE.match(message)
        if named is None or self._origin.root is None:
            return message
        keys = named[1].split(".")
        path = [key if (i := whole_number(key, MAX_COUNT)) is None else i for key in keys]
        return f"{self._origin.root.nearest(tuple(path)).position}: {message}"
