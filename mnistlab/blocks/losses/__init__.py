"""Losses: each file has one, the loss above its gradient, and the op that ends a network in it.

`labels` (batch,) are the classes' numbers; t is their one-hot form (batch, classes). A loss fills
`losses` (batch,) in float64, one number a sample; its gradient is multiplied by `scale`, which is
1/batch for the mean over the batch and 1 for the sum.
"""

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from mnistlab.blocks.activations import ActivationBlock
from mnistlab.blocks.registry import Family, OneOf
from mnistlab.blocks.section import Section
from mnistlab.runtime.op import Op


class LossBlock(Section):
    """What the engine asks of a loss."""

    type: str
    reduction: Literal["mean", "sum"] = Field(
        default="mean",
        description="Whether a batch's gradient is the mean or the sum over its images.",
    )

    output: ClassVar[str | None] = None  # the output activation that it needs; None: any

    def build(self, builder: Any, output: ActivationBlock) -> Op:
        """Put the output activation upon a network; the op of the loss and its gradient."""
        raise NotImplementedError(f"loss {self.type}: can't be built")

    def magnitudes(self, logits: np.ndarray, output: ActivationBlock) -> np.ndarray:
        """How large the numbers are that each image's loss is a difference of, (images,).

        The gradient check must know: the loss shares their rounding. `logits` (images, classes)
        are what the output activation is given. 0 where the loss itself is the largest of them.
        """
        return np.zeros(len(logits))


LOSSES = Family("mnistlab.blocks.losses", LossBlock)

Loss = Annotated[LossBlock, OneOf(LOSSES, default="cross_entropy")]
