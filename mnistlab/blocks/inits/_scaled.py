"""Inits whose variance depends on a layer's fans."""

import math
from typing import Any, ClassVar

import numpy as np

from mnistlab.blocks.inits import InitBlock


class ScaledInit(InitBlock):
    """Normal or uniform around zero with a variance; normals are not truncated."""

    shape: ClassVar[str] = "normal"

    def variance(self, fan_in: int, fan_out: int) -> float:
        """The variance of a weight."""
        raise NotImplementedError(f"init {self.type}: has no variance")

    def draw_weights(self, tensor: Any, stream: np.random.Generator) -> np.ndarray:
        variance = self.variance(tensor.fan_in, tensor.fan_out)
        return drawn(self.shape, variance, tensor.shape, stream)


def drawn(
    distribution: str, variance: float, shape: tuple[int, ...], stream: np.random.Generator
) -> np.ndarray:
    """Numbers with mean zero, float64; `distribution` is normal or uniform."""
    if distribution == "uniform":
        bound = math.sqrt(3 * variance)
        return stream.uniform(-bound, bound, shape)
    if distribution == "normal":
        return math.sqrt(variance) * stream.standard_normal(shape)
    raise ValueError(f"no distribution {distribution!r}")
