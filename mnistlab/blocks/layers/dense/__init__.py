"""The dense (fully connected) layer."""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from mnistlab.blocks.exporting import OnnxGraph, TorchModule, TrainedLayer, tensors_of
from mnistlab.blocks.layers import LayerBlock
from mnistlab.blocks.section import Flag, NumberAlone, Section, Units


class Dense(Section):
    """A fully connected layer."""

    units: Units = Field(description="The number of outputs.")
    bias: Flag = Field(default=True, description="Whether each unit has a bias.")


class DenseLayer(LayerBlock):
    """An item of `layers`: a fully connected layer."""

    type: ClassVar[str] = "dense"
    named = True
    weighted = True
    takes_vector = True
    dense: Annotated[Dense, NumberAlone(lambda units: {"units": units})] = Field(
        description="A fully connected layer; a number alone is its units."
    )

    def build(self, builder: Any) -> None:
        from mnistlab.blocks.layers.dense.lowering import build_dense

        build_dense(builder, self.dense.units, self.dense.bias)

    def onnx(self, graph: OnnxGraph, trained: TrainedLayer) -> None:
        graph.add("Gemm", trained.name, *tensors_of(graph, trained))

    def torch(self, trained: TrainedLayer) -> list[TorchModule]:
        weight, bias = trained.weight, trained.bias
        assert weight is not None
        fan_in, fan_out = weight.shape
        if bias is None:
            text = f"nn.Linear({fan_in}, {fan_out}, bias=False)"
            return [TorchModule(text, {"weight": weight.T})]
        return [TorchModule(f"nn.Linear({fan_in}, {fan_out})", {"weight": weight.T, "bias": bias})]
