"""Initialisations: each file has one.

A layer's init (`init.layers.dense1`) is one of these blocks. The run's init has the key `layers` in
addition.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from mnistlab.blocks.registry import Extended, Family, OneOf
from mnistlab.blocks.section import BareSection, Positive, Section, TypedUnion
from mnistlab.runtime.streams import Purpose, random_stream


class ZeroBias(BareSection):
    """Initial biases of zero."""

    type: Literal["zeros"] = Field(default="zeros", description="All zero.")

    def draw(self, shape: tuple[int, ...], stream: np.random.Generator) -> np.ndarray:
        """The biases before the first step."""
        return np.zeros(shape)


class NormalBias(Section):
    """Normally distributed initial biases."""

    type: Literal["normal"] = Field(
        default="normal", description="Normal around zero, not truncated."
    )
    std: Positive = Field(default=1.0, description="The standard deviation.")

    def draw(self, shape: tuple[int, ...], stream: np.random.Generator) -> np.ndarray:
        """The biases before the first step."""
        return self.std * stream.standard_normal(shape)


BiasInit = Annotated[ZeroBias | NormalBias, TypedUnion(default="zeros")]

BIAS = Field(
    default=ZeroBias(), description="The initial biases: zeros, or {type: normal, std: 1.0}."
)


class InitBlock(Section):
    """The interface of an init."""

    type: str
    draws_biases: ClassVar[bool] = True  # as `bias` says; else they come with the weights
    if TYPE_CHECKING:  # each init has this key, after its own
        bias: BiasInit

    def draw_weights(self, tensor: Any, stream: np.random.Generator) -> np.ndarray:
        """The initial values of a weight, float64; `tensor` has its shape and fans."""
        raise NotImplementedError(f"init {self.type}: draws no weights")

    def refuse_missing(self) -> None:
        """Raise UsageError, without the key, if there is no file that the weights are read from."""

    def start(
        self, tensor: Any, seed: int, index: int, dtype: Any, files: dict[Path, Any]
    ) -> np.ndarray:
        """The initial values of a weight or bias.

        `index` is the tensor's number in the network. `files` caches the files that have been read.
        Raises UsageError, without the key `path`, if one is unusable or does not fit.
        """
        if tensor.start is not None:
            return np.full(tensor.shape, tensor.start)
        if tensor.kind == "bias":
            return self.bias.draw(tensor.shape, random_stream(seed, Purpose.BIASES, index))
        return self.draw_weights(tensor, random_stream(seed, Purpose.WEIGHTS, index))


INITS = Family("mnistlab.blocks.inits", InitBlock)

LayerInit = Annotated[InitBlock, OneOf(INITS, default="he_normal")]


def path_key(layer: str | None) -> str:
    """The key of the file that the weights are read from: a layer's own, or the run's for None."""
    return "init.path" if layer is None else f"init.layers.{layer}.path"


class PerLayer(Section):
    """The keys that only the run's init has: the layers with another init."""

    bias: BiasInit = BIAS
    layers: dict[str, LayerInit] = Field(
        default={}, description="A layer's own init, by name: {dense1: {type: normal, std: 1.0}}."
    )

    @model_validator(mode="after")
    def _inherit_bias(self) -> Self:
        for name, layer in self.layers.items():
            if "bias" not in layer.model_fields_set:
                self.layers[name] = layer.model_copy(update={"bias": self.bias})
        return self


class RunInit(PerLayer, InitBlock):
    """An init of a run: one of the blocks, for every layer that `layers` does not name."""


_RUN_INITS = Extended(
    INITS, PerLayer, name="Run{}", doc="{} for every layer that `layers` does not name."
)
__getattr__ = _RUN_INITS.class_named

InitConfig = Annotated[RunInit, OneOf(INITS, default="he_normal", each=_RUN_INITS.of)]
