"""The multilayer perceptron."""

from typing import Annotated, Literal

from pydantic import Field

from mnistlab.blocks.activations import Activation
from mnistlab.blocks.activations.relu import ReLU
from mnistlab.blocks.layers import LayerBlock
from mnistlab.blocks.layers.activation import ActivationLayer
from mnistlab.blocks.layers.batch_norm import BatchNormLayer, OptionalBatchNorm
from mnistlab.blocks.layers.dropout import DropoutLayer
from mnistlab.blocks.models import OUTPUT, ModelBlock, OutputActivation, dense
from mnistlab.blocks.section import Flag, NumberAlone, ShareBelowOne, Units


class MLPModel(ModelBlock):
    """A multilayer perceptron: dense layers with an activation between them."""

    type: Literal["mlp"] = Field(default="mlp", description="A multilayer perceptron.")
    hidden: Annotated[
        tuple[Units, ...], Field(max_length=100), NumberAlone(lambda units: [units])
    ] = Field(
        default=(128,),
        description="The units of each hidden layer, e.g. [256, 128]; 128 alone is [128].",
    )
    activation: Activation = Field(
        default=ReLU(),
        description="The activation of each hidden layer: a name, or {type: leaky_relu, ...}.",
    )
    batch_norm: OptionalBatchNorm = Field(
        default=None,
        description="Batch normalisation of each hidden layer, before its activation: true, or "
        "{momentum: 0.9, epsilon: 1e-5}.",
    )
    dropout: ShareBelowOne = Field(
        default=0.0, description="The probability of setting a hidden value to zero in training."
    )
    input_dropout: ShareBelowOne = Field(
        default=0.0, description="The probability of setting a pixel to zero in training."
    )
    bias: Flag = Field(default=True, description="Whether each unit has a bias.")
    output_activation: OutputActivation = OUTPUT

    def layers_for(self, classes: int) -> tuple[LayerBlock, ...]:
        hidden: list[LayerBlock] = [DropoutLayer(dropout=self.input_dropout)]
        for units in self.hidden:
            hidden.append(dense(units, self.bias))
            if self.batch_norm is not None:
                hidden.append(BatchNormLayer(batch_norm=self.batch_norm))
            hidden += [
                ActivationLayer.model_construct(activation=self.activation),  # already validated
                DropoutLayer(dropout=self.dropout),
            ]
        return (*hidden, dense(classes, self.bias))

    def layer_names(self) -> tuple[str, ...]:
        return tuple(f"dense{number}" for number in range(1, len(self.hidden) + 2))
