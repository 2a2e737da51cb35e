"""Models: each file has one, as a list of layers from the image to the logits."""

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from mnistlab.blocks.activations import ActivationBlock, OutputActivation
from mnistlab.blocks.activations.softmax import SoftmaxActivation
from mnistlab.blocks.layers import LayerBlock
from mnistlab.blocks.layers.dense import Dense, DenseLayer
from mnistlab.blocks.registry import Family, OneOf
from mnistlab.blocks.section import Section

OUTPUT = Field(
    default=SoftmaxActivation(),
    description="The activation of the logits; cross_entropy needs softmax, "
    "binary_cross_entropy needs sigmoid.",
)


class ModelBlock(Section):
    """The interface of a model."""

    type: str
    if TYPE_CHECKING:  # each model has this key, after its own
        output_activation: ActivationBlock

    @property
    def remark(self) -> str | None:
        """A sentence on a network that is hardly the one that was meant; None of all others."""
        return None

    def layers_for(self, classes: int) -> tuple[LayerBlock, ...]:
        """Every layer from the image to the logits; the output activation follows."""
        raise NotImplementedError(f"model {self.type}: has no layers")

    def key_of(self, index: int) -> str:
        """The configuration key of a layer, for messages."""
        return "model"

    def layer_names(self) -> tuple[str, ...]:
        """The layers with weights, by the names that `init.layers` and
        `regularization.layers` use.
        """
        raise NotImplementedError(f"model {self.type}: names no layers")

    def normalisations(self) -> tuple[str, ...]:
        """The layers with a scale and a shift, as `regularization.layers` may name them."""
        counts = Counter(one.type for one in self.layers_for(1) if one.named and not one.weighted)
        return numbered(counts)


def numbered(counts: Mapping[str, int]) -> tuple[str, ...]:
    """The names of so many layers of each kind: dense1, dense2, …"""
    return tuple(
        f"{kind}{number}"
        for kind, count in sorted(counts.items())
        for number in range(1, count + 1)
    )


def dense(units: int, bias: bool) -> DenseLayer:
    """A fully connected layer."""
    return DenseLayer(dense=Dense(units=units, bias=bias))


MODELS = Family("mnistlab.blocks.models", ModelBlock)

Model = Annotated[ModelBlock, OneOf(MODELS, default="mlp")]

__all__ = ["MODELS", "OUTPUT", "Model", "ModelBlock", "OutputActivation", "dense", "numbered"]
