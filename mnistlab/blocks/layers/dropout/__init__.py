"""Dropout. Source: Srivastava et al. (2014)."""

from typing import Any, ClassVar

from pydantic import Field

from mnistlab.blocks.exporting import OnnxGraph, TorchModule, TrainedLayer
from mnistlab.blocks.layers import LayerBlock
from mnistlab.blocks.section import ShareBelowOne


class DropoutLayer(LayerBlock):
    """An item of `layers`: dropout."""

    type: ClassVar[str] = "dropout"
    dropout: ShareBelowOne = Field(
        description="The probability of setting a value to zero in training."
    )

    @property
    def does_nothing(self) -> bool:
        return self.dropout == 0

    def build(self, builder: Any) -> None:
        from mnistlab.blocks.layers.dropout.lowering import build_dropout

        build_dropout(builder, self.dropout)

    def onnx(self, graph: OnnxGraph, trained: TrainedLayer) -> None:
        """A trained network has no dropout."""

    def torch(self, trained: TrainedLayer) -> list[TorchModule]:
        return [TorchModule(f"nn.Dropout({self.dropout!r})")]
