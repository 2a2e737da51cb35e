"""The convolution over square patches."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from mnistlab.blocks.exporting import OnnxGraph, TorchModule, TrainedLayer, described, tensors_of
from mnistlab.blocks.layers import Extent, LayerBlock, Padding
from mnistlab.blocks.section import Section, Units

POSITION_BIAS = '''\
class PositionBias(nn.Module):
    """A bias for every filter and position."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(shape))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.bias
'''


class Conv(Section):
    """A convolution over square patches; sizes round down."""

    filters: Units = Field(description="The number of filters (output channels).")
    kernel: Extent = Field(description="The side of the square filter, in pixels.")
    stride: Extent = Field(
        default=1, description="Pixels from one position of the filter to the next."
    )
    padding: Padding = Field(
        default=0, description="Rows and columns of zeros on each side of the image."
    )
    bias: Literal["shared", "per_position", "none"] = Field(
        default="shared", description="One bias per filter, one per filter and position, or none."
    )


class ConvLayer(LayerBlock):
    """An item of `layers`: a convolution."""

    type: ClassVar[str] = "conv"
    named = True
    weighted = True
    conv: Conv = Field(description="A convolution.")

    def build(self, builder: Any) -> None:
        from mnistlab.blocks.layers.conv2d.lowering import build_conv2d

        build_conv2d(builder, self.conv)

    def onnx(self, graph: OnnxGraph, trained: TrainedLayer) -> None:
        """ONNX's convolution has one bias per filter, so biases by position are added by another
        node.
        """
        conv, tensors = self.conv, tensors_of(graph, trained)
        graph.add(
            "Conv",
            trained.name,
            *(tensors if conv.bias == "shared" else tensors[:1]),
            kernel_shape=[conv.kernel, conv.kernel],
            strides=[conv.stride, conv.stride],
            pads=[conv.padding] * 4,
        )
        if conv.bias == "per_position":
            graph.add("Add", "", *tensors[1:])

    def torch(self, trained: TrainedLayer) -> list[TorchModule]:
        """PyTorch has one bias per filter, so biases by position are a module of their own."""
        conv, weight, bias = self.conv, trained.weight, trained.bias
        assert weight is not None
        filters, channels, kernel, _ = weight.shape
        settings = [str(channels), str(filters), str(kernel)]
        settings += [f"stride={conv.stride}"] if conv.stride != 1 else []
        settings += [f"padding={conv.padding}"] if conv.padding else []
        tensors = {"weight": weight}
        if conv.bias == "shared" and bias is not None:
            tensors["bias"] = bias
        else:
            settings.append("bias=False")
        modules = [TorchModule(f"nn.Conv2d({', '.join(settings)})", tensors)]
        if conv.bias == "per_position" and bias is not None:
            text = f"PositionBias{described(bias.shape)}"
            modules.append(TorchModule(text, {"bias": bias}, POSITION_BIAS))
        return modules
