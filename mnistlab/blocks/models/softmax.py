"""Softmax regression."""

from typing import Literal

from pydantic import Field

from mnistlab.blocks.layers import LayerBlock
from mnistlab.blocks.models import OUTPUT, ModelBlock, OutputActivation, dense
from mnistlab.blocks.section import Flag


class SoftmaxModel(ModelBlock):
    """Softmax regression: one dense layer from the pixels to the classes."""

    type: Literal["softmax"] = Field(default="softmax", description="Softmax regression.")
    bias: Flag = Field(default=True, description="Whether each output has a bias.")
    output_activation: OutputActivation = OUTPUT

    def layers_for(self, classes: int) -> tuple[LayerBlock, ...]:
        return (dense(classes, self.bias),)

    def layer_names(self) -> tuple[str, ...]:
        return ("dense1",)
