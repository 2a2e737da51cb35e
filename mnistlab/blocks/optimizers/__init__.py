"""Optimizers: each file has one, the configuration above the update of a tensor.

An update changes a tensor's elements W (n,) by their gradient dW (n,). The state (velocity,
moments) is an array (n,) for each state vector, zero before the first step. Hyperparameters are
float64 and are rounded once to the tensor's dtype. With `dither`, see runtime/dither.py, steps
smaller than the spacing of float32 are taken correctly in the mean: a penalty's share of a step may
be that small.
"""

from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from mnistlab.blocks.optimizers._clip import ClipNorm, ClipValue
from mnistlab.blocks.optimizers._update import FusedUpdate, Update
from mnistlab.blocks.registry import Family, OneOf
from mnistlab.blocks.schedules import Steps
from mnistlab.blocks.section import NonNegative, Section


def learning_rate(default: float) -> float:
    """The key `lr`."""
    # Adaptive optimizers divide by the gradient's size, so lr is about the size of a step.
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
    """The interface of an optimizer."""

    type: str
    if TYPE_CHECKING:  # each optimizer has these keys, all but the first after its own
        lr: float
        lr_scale: dict[str, float]
        clip_value: float | None
        clip_norm: float | None

    def update(self) -> Update:
        """Its op."""
        raise NotImplementedError(f"optimizer {self.type}: has no update")

    def fused(self) -> FusedUpdate | None:
        """The same update inside the kernels that compute a gradient, if there is one."""
        return None

    def momenta(self, steps: Steps) -> np.ndarray:
        """The momentum of the steps, float64 (n,): zeros where the update has none."""
        return np.zeros(len(steps.numbers))


__all__ = [
    "NO_SCALES",
    "OPTIMIZERS",
    "ClipNorm",
    "ClipValue",
    "LRScale",
    "Optimizer",
    "OptimizerBlock",
    "learning_rate",
]

OPTIMIZERS = Family("mnistlab.blocks.optimizers", OptimizerBlock)

Optimizer = Annotated[OptimizerBlock, OneOf(OPTIMIZERS, default="sgd")]
