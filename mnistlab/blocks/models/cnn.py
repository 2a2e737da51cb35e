"""The convolutional network, layer by layer."""

from collections import Counter
from typing import Annotated, Literal

from pydantic import Field

from mnistlab.blocks.layers import Layer, LayerBlock
from mnistlab.blocks.layers.dense import DenseLayer
from mnistlab.blocks.models import OUTPUT, ModelBlock, OutputActivation, dense, numbered
from mnistlab.blocks.section import Flag


class CNNModel(ModelBlock):
    """A convolutional network, as a list of layers.

    Where its last layer with weights is no dense layer of one unit per class, such an output
    layer is added at the end; `bias` is that layer's.
    """

    type: Literal["cnn"] = Field(default="cnn", description="A convolutional network.")
    layers: Annotated[tuple[Layer, ...], Field(max_length=200)] = Field(
        default=(),
        description="The layers in order; an output layer is added if the last one is none.",
    )
    bias: Flag = Field(default=True, description="Whether the added output layer has a bias.")
    output_activation: OutputActivation = OUTPUT

    @property
    def remark(self) -> str | None:
        if self.layers:
            return None
        return (
            "model.layers is empty: the network is an output layer alone, softmax regression; "
            "a CNN needs layers, such as [{conv: {filters: 8, kernel: 3}}, {activation: relu}, "
            "{pool: {type: max}}]"
        )

    def layers_for(self, classes: int) -> tuple[LayerBlock, ...]:
        weighted = [layer for layer in self.layers if layer.weighted]
        last = weighted[-1] if weighted else None
        if isinstance(last, DenseLayer) and last.dense.units == classes:
            return self.layers
        return (*self.layers, dense(classes, self.bias))

    def key_of(self, index: int) -> str:
        if index >= len(self.layers):
            return "model.layers"
        return f"model.layers.{index}.{self.layers[index].type}"

    def layer_names(self) -> tuple[str, ...]:
        """One dense layer more than in the list, because an output layer may be added at
        the end.
        """
        counts = Counter(layer.type for layer in self.layers if layer.weighted)
        counts["dense"] += 1
        return numbered(counts)
