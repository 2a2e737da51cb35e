"""Max and average pooling."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from mnistlab.blocks.exporting import OnnxGraph, TorchModule, TrainedLayer
from mnistlab.blocks.layers import Extent, LayerBlock
from mnistlab.blocks.section import Section

ONNX_OPERATORS = {"max": "MaxPool", "average": "AveragePool"}
TORCH_MODULES = {"max": "MaxPool2d", "average": "AvgPool2d"}


class Pool(Section):
    """The largest or mean value of square patches."""

    type: Literal["max", "average"] = Field(
        default="max", description="The maximum or the mean of each patch."
    )
    size: Extent = Field(default=2, description="The side of the square patch, in pixels.")
    stride: Extent = Field(
        default=2, description="Pixels from one patch to the next. Default: `size`."
    )

    @model_validator(mode="before")
    @classmethod
    def _patches_that_touch(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and "size" in values and "stride" not in values:
            return {**values, "stride": values["size"]}
        return values


class PoolLayer(LayerBlock):
    """An item of `layers`: pooling."""

    type: ClassVar[str] = "pool"
    pool: Pool = Field(description="Max or average pooling.")

    def build(self, builder: Any) -> None:
        from mnistlab.blocks.layers.pool2d.lowering import build_pool2d

        build_pool2d(builder, self.pool)

    def onnx(self, graph: OnnxGraph, trained: TrainedLayer) -> None:
        side, stride = self.pool.size, self.pool.stride
        operator = ONNX_OPERATORS[self.pool.type]
        graph.add(operator, kernel_shape=[side, side], strides=[stride, stride])

    def torch(self, trained: TrainedLayer) -> list[TorchModule]:
        name = TORCH_MODULES[self.pool.type]
        return [TorchModule(f"nn.{name}({self.pool.size}, stride={self.pool.stride})")]
