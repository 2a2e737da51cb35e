"""Losses: each file has one, the loss above its gradient, and the op at the end of a network.

`labels` (batch,) are class numbers; t (batch, classes) are the targets that a loss makes of them,
their one-hot form where it has no key for others. A loss writes one
number for each sample to `losses` (batch,), float64. Its gradient is multiplied by `scale`, which
is 1/batch for the mean over the batch and 1 for the sum.
"""

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from mnistlab.blocks.activations import ActivationBlock
from mnistlab.blocks.registry import Family, OneOf
from mnistlab.blocks.section import Section
from mnistlab.runtime.op import Op


class LossBlock(Section):
    """The interface of a loss."""

    type: str
    reduction: Literal["mean", "sum"] = Field(
        default="mean",
        description="Whether a batch's gradient is the mean or the sum over its images.",
    )

    output: ClassVar[str | None] = None  # the output activation that it requires; None: any

    @property
    def is_taught(self) -> bool:
        """Whether training needs the probabilities of a teacher for every image."""
        return False

    @property
    def in_evaluation(self) -> "LossBlock":
        """The loss that is reported of images outside of training."""
        return self

    def of_guessing(self, classes: int) -> float | None:
        """The lowest loss of a network that answers the same for every image, if the classes are
        equally frequent; None if it is not known.
        """
        return None

    def build(self, builder: Any, output: ActivationBlock) -> Op:
        """Add the output activation to a network; returns the op of the loss and its gradient."""
        raise NotImplementedError(f"loss {self.type}: can't be built")

    def magnitudes(self, logits: np.ndarray, output: ActivationBlock) -> np.ndarray:
        """The size of the numbers whose difference is each image's loss, (images,).

        The gradient check needs it, because their rounding is in the loss. `logits` (images,
        classes) are the input of the output activation. 0 if the loss itself is the largest number.
        """
        return np.zeros(len(logits))


LOSSES = Family("mnistlab.blocks.losses", LossBlock)

Loss = Annotated[LossBlock, OneOf(LOSSES, default="cross_entropy")]
