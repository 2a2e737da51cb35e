"""The image as a vector, channel by channel: the order that it has in memory."""

from typing import Any, ClassVar

from pydantic import model_serializer

from mnistlab.blocks.exporting import OnnxGraph, TorchModule, TrainedLayer
from mnistlab.blocks.layers import LayerBlock


class FlattenLayer(LayerBlock):
    """The image as a vector."""

    type: ClassVar[str] = "flatten"
    takes_vector = True

    @model_serializer
    def _word(self) -> str:
        return "flatten"

    @property
    def does_nothing(self) -> bool:
        """A layer that takes a vector flattens the image itself."""
        return True

    def build(self, builder: Any) -> None:
        builder.add_layer("flatten", "flatten", "", (builder.width,), 0, builder.top)
        builder.shape = (builder.width,)

    def onnx(self, graph: OnnxGraph, trained: TrainedLayer) -> None:
        graph.add("Flatten", axis=1)

    def torch(self, trained: TrainedLayer) -> list[TorchModule]:
        return [TorchModule("nn.Flatten()")]
