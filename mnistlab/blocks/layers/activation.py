"""An activation between layers."""

from typing import Any, ClassVar

from pydantic import Field

from mnistlab.blocks.activations import Activation
from mnistlab.blocks.exporting import OnnxGraph, TorchModule, TrainedLayer
from mnistlab.blocks.layers import LayerBlock


class ActivationLayer(LayerBlock):
    """An item of `layers`: an activation."""

    type: ClassVar[str] = "activation"
    activation: Activation = Field(description="An activation, element by element.")

    def build(self, builder: Any) -> None:
        self.activation.build(builder)

    def onnx(self, graph: OnnxGraph, trained: TrainedLayer) -> None:
        self.activation.onnx(graph, "")

    def torch(self, trained: TrainedLayer) -> list[TorchModule]:
        activation = self.activation
        return [TorchModule(activation.torch(), definition=activation.torch_definition())]
