"""Batch normalisation. Source: Ioffe and Szegedy (2015)."""

from typing import Annotated, Any, ClassVar

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from mnistlab.blocks.exporting import OnnxGraph, TorchModule, TrainedLayer
from mnistlab.blocks.layers import LayerBlock
from mnistlab.blocks.section import Positive, Section, ShareBelowOne


class BatchNorm(Section):
    """Each channel is normalised to mean 0 and variance 1 over the batch, then scaled
    and shifted.
    """

    momentum: ShareBelowOne = Field(
        default=0.9,
        description="The share of the running mean and variance that a step keeps; PyTorch's "
        "`momentum` is 1 minus this.",
    )
    epsilon: Positive = Field(
        default=1e-5, description="Added to the variance before the square root."
    )


class Switched:
    """Annotation of a key: `true` means `whole()`, `false` means null."""

    def __init__(self, whole: type[Section]) -> None:
        self.whole = whole

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._value, handler(source))

    def _value(self, value: Any) -> Any:
        if value is True:
            return self.whole()
        return None if value is False else value

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        whole = handler(schema)
        return {"anyOf": [{"type": "boolean"}, *whole.get("anyOf", [whole])]}


OptionalBatchNorm = Annotated[BatchNorm | None, Switched(BatchNorm)]


class BatchNormLayer(LayerBlock):
    """An item of `layers`: batch normalisation."""

    type: ClassVar[str] = "batch_norm"
    named = True
    of_whole_batch = True
    batch_norm: BatchNorm = Field(
        default=BatchNorm(), description="Batch normalisation, of each unit or each filter's map."
    )

    def build(self, builder: Any) -> None:
        from mnistlab.blocks.layers.batch_norm.lowering import build_batch_norm

        build_batch_norm(builder, self.batch_norm)

    def onnx(self, graph: OnnxGraph, trained: TrainedLayer) -> None:
        tensors = [
            graph.constant(f"{trained.name}.{kind}", trained.tensors[kind])
            for kind in ("scale", "shift", "running_mean", "running_variance")
        ]
        graph.add("BatchNormalization", "", *tensors, epsilon=self.batch_norm.epsilon)

    def torch(self, trained: TrainedLayer) -> list[TorchModule]:
        own = trained.tensors
        kind = "BatchNorm2d" if trained.on_image else "BatchNorm1d"
        momentum = float(f"{1 - self.batch_norm.momentum:.12g}")
        text = f"nn.{kind}({len(own['scale'])}, eps={self.batch_norm.epsilon!r}, {momentum=})"
        tensors = {
            "weight": own["scale"],
            "bias": own["shift"],
            "running_mean": own["running_mean"],
            "running_var": own["running_variance"],
        }
        return [TorchModule(text, tensors)]
