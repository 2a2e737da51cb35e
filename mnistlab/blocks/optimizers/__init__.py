"""Optimizers: each file has one, what the configuration says above its update of a tensor.

An update changes a tensor's elements W (n,) by their gradient dW (n,). The state (velocity,
moments) is an array (n,) beside W, zero before the first step. Hyperparameters come in float64 and
are rounded once to the tensor's dtype. With a `dither`, see runtime/dither.py, a step smaller than
the spacing of float32 is taken in the mean: a penalty's share of it may be that small.
"""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from mnistlab.blocks.optimizers._update import FusedUpdate, Update
from mnistlab.blocks.registry import Family, OneOf
from mnistlab.blocks.section import NonNegative, Section


def learning_rate(default: float) -> float:
    """The key `lr`."""
    # The adaptive ones divide by the gradient's size, so that lr is about the size of a step.
    return Field(
        default=default, description="The learning rate; the schedule may change it in training."
    )


LRScale = Annotated[
    dict[str, NonNegative],
    Field(
        description="Multiplies the learning rate of some tensors, by name or pattern: "
        '{"*.bias": 0.03125, dense1.weight: 0.1}.',
    ),
]


NO_SCALES: dict[str, float] = {}


class OptimizerBlock(Section):
    """What the engine asks of an optimizer."""

    type: str
    if TYPE_CHECKING:  # each optimizer has these keys, the second behind its own
        lr: float
        lr_scale: dict[str, float]

    def update(self) -> Update:
        """Its op."""
        raise NotImplementedError(f"optimizer {self.type}: has no update")

    def fused(self) -> FusedUpdate | None:
        """The same update taken inside the kernels that make a gradient, where there is one."""
        return None


OPTIMIZERS = Family("mnistlab.blocks.optimizers", OptimizerBlock)

Optimizer = Annotated[OptimizerBlock, OneOf(OPTIMIZERS, default="sgd")]
