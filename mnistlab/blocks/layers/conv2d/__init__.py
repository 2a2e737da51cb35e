"""The convolution over square patches."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, PlainValidator, ValidationInfo, WithJsonSchema

from mnistlab.blocks.exporting import OnnxGraph, TorchModule, TrainedLayer, described, tensors_of
from mnistlab.blocks.layers import Extent, LayerBlock
from mnistlab.blocks.section import CountOrZero, Section, Units, is_whole, refuse

POSITION_BIAS = '''\
class PositionBias(nn.Module):
    """A bias for every filter and position."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(shape))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.bias
'''


MOST_PADDING = 1024


def _padding(value: Any, others: ValidationInfo) -> int | str:
    if is_whole(value) and 0 <= value <= MOST_PADDING:
        return value
    kernel = others.data.get("kernel", 1)
    if value != "same":
        refuse(f"a whole number from 0 to {MOST_PADDING:,}, or 'same'")
    if kernel % 2 == 0:
        refuse(f"a whole number, as 'same' needs an odd kernel and kernel is {kernel}")
    return value


ConvPadding = Annotated[
    int | Literal["same"],
    PlainValidator(_padding),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 0, "maximum": MOST_PADDING}, {"const": "same"}]}
    ),
]


def _connections(table: Any, others: ValidationInfo) -> Any:
    filters = others.data.get("filters")
    if table is not None and filters is not None and len(table) != filters:
        refuse(f"a list of input maps for each of the {filters} filters; it has {len(table)} lists")
    if table is not None and any(len(set(maps)) < len(maps) for maps in table):
        refuse("lists that name each input map once")
    return table


InputMaps = Annotated[tuple[CountOrZero, ...], Field(min_length=1, max_length=1024)]


class Conv(Section):
    """A convolution over square patches; sizes round down."""

    filters: Units = Field(description="The number of filters (output channels).")
    kernel: Extent = Field(description="The side of the square filter, in pixels.")
    stride: Extent = Field(
        default=1, description="Pixels from one position of the filter to the next."
    )
    padding: ConvPadding = Field(
        default=0,
        description="Rows and columns of zeros on each side of the image. `same` has "
        "(kernel - 1) / 2, so that with stride 1 the output has the size of the input.",
    )
    bias: Literal["shared", "per_position", "none"] = Field(
        default="shared", description="One bias per filter, one per filter and position, or none."
    )
    connections: Annotated[tuple[InputMaps, ...] | None, AfterValidator(_connections)] = Field(
        default=None,
        description="For each filter, the numbers of the input maps that it sees, from 0, e.g. "
        "[[0, 1], [1, 2], [0, 2]]. Null: all see all.",
    )

    @property
    def border(self) -> int:
        """The padding in pixels."""
        return self.kernel // 2 if isinstance(self.padding, str) else self.padding


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
            pads=[conv.border] * 4,
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
        settings += [f"padding={conv.border}"] if conv.border else []
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
