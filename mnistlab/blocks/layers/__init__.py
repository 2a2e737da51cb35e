"""Layers: the items of a CNN's `layers`, each in its own folder.

A layer's folder has its YAML keys and exports (imported by everyone), its maths, its ops, and its
lowering (imported when a network is built).
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from mnistlab.blocks.exporting import OnnxGraph, TorchModule, TrainedLayer, no_counterpart
from mnistlab.blocks.registry import Family, OneOf
from mnistlab.blocks.section import GetJsonSchemaHandler, Section, refuse
from mnistlab.support.near_names import did_you_mean

Extent = Annotated[int, Field(strict=True, ge=1, le=1024)]
Padding = Annotated[int, Field(strict=True, ge=0, le=1024)]


class LayerBlock(Section):
    """The interface of a layer for the engine and the exports; `type` is the key that names it."""

    type: ClassVar[str]
    weighted: ClassVar[bool] = False  # whether it has weights, and so a name
    takes_vector: ClassVar[bool] = False  # whether an image is flattened for it
    bare: ClassVar[bool] = False  # whether the item may be the name alone

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


class _LayerItem(OneOf):
    """A layer is selected by the single key of its item, or by its bare name."""

    def _by_type(self, value: Any) -> tuple[Any, type[Section]]:
        layers = self.family.blocks
        bare = [name for name, layer in layers.items() if layer.bare]
        for name in bare:
            if value in (name, {name: None}):
                return layers[name](), layers[name]
        kinds = [kind for kind in value if kind in layers] if isinstance(value, Mapping) else []
        if len(kinds) > 1:
            refuse(f"one layer; {' and '.join(kinds)} each need an item ('- ') of their own")
        if kinds:
            return value, layers[kinds[0]]
        named = next(iter(value), None) if isinstance(value, Mapping) else value
        instead = f", not {named!r}" if isinstance(value, Mapping) and value else ""
        hint = did_you_mean(str(named), layers) if named is not None else ""
        refuse(f"one of {', '.join(layers)}, such as '- dropout: 0.4'{instead}{hint}")

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        items = zip(self.family.blocks.items(), handler(schema)["oneOf"], strict=True)
        return {"anyOf": [{"const": name} if layer.bare else item for (name, layer), item in items]}


LAYERS = Family("mnistlab.blocks.layers", LayerBlock)

Layer = Annotated[LayerBlock, _LayerItem(LAYERS)]
