"""A border around an image, of one value."""

from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from mnistlab.blocks.exporting import OnnxGraph, TorchModule, TrainedLayer
from mnistlab.blocks.layers import Extent, LayerBlock
from mnistlab.blocks.section import Real, Section


class Pad(Section):
    """A border of one value around every channel of an image."""

    size: Extent = Field(description="Rows and columns on each side.")
    value: Real = Field(
        default=0.0, description="The value of the border, in units of the layer's input."
    )


class PadLayer(LayerBlock):
    """An item of `layers`: padding by a value."""

    type: ClassVar[str] = "pad"
    pad: Pad = Field(description="A border of one value.")

    def build(self, builder: Any) -> None:
        from mnistlab.blocks.layers.pad.lowering import build_pad

        build_pad(builder, self.pad)

    def onnx(self, graph: OnnxGraph, trained: TrainedLayer) -> None:
        size = self.pad.size
        # The beginnings of images, channels, rows and columns, then their ends.
        ends = graph.new_constant("pad.sizes", [0, 0, size, size] * 2, np.int64)
        graph.add("Pad", "", ends, graph.new_constant("pad.value", self.pad.value))

    def torch(self, trained: TrainedLayer) -> list[TorchModule]:
        return [TorchModule(f"nn.ConstantPad2d({self.pad.size}, {self.pad.value!r})")]
