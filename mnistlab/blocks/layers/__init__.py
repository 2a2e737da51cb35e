"""Layers: the items of a CNN's `layers`, each in its own folder.

A layer's folder has its YAML keys and exports (imported by everyone), its maths, its ops, and its
lowering (imported when a network is built).
"""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from mnistlab.blocks.exporting import OnnxGraph, TorchModule, TrainedLayer, no_counterpart
from mnistlab.blocks.registry import Family, ItemOf
from mnistlab.blocks.section import Section

Extent = Annotated[int, Field(strict=True, ge=1, le=1024)]


class LayerBlock(Section):
    """The interface of a layer for the engine and the exports; `type` is the key that names it."""

    type: ClassVar[str]
    named: ClassVar[bool] = False  # whether it has tensors, and so a name
    weighted: ClassVar[bool] = False  # whether it has weights; its units may then be the output
    of_whole_batch: ClassVar[bool] = False  # whether an image's values depend on the whole batch
    takes_vector: ClassVar[bool] = False  # whether an image is flattened for it

    @property
    def does_nothing(self) -> bool:
        """Whether it can be left out."""
        return False

    def build(self, builder: Any) -> None:
        """Add its ops to a network; raises UsageError if it does not fit."""
        raise NotImplementedError(f"layer {self.type}: can't be built")

    def onnx(self, graph: OnnxGraph, trained: TrainedLayer) -> None:
        """Add its nodes to an ONNX graph."""
        raise no_counterpart("onnx", "layer", self.type)

    def torch(self, trained: TrainedLayer) -> list[TorchModule]:
        """The equivalent PyTorch modules."""
        raise no_counterpart("safetensors", "layer", self.type)


LAYERS = Family("mnistlab.blocks.layers", LayerBlock)

Layer = Annotated[LayerBlock, ItemOf(LAYERS, "layer", "dropout: 0.4")]
