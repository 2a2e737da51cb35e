"""The configuration's `model`: softmax regression, MLP, or a CNN as a list of layers."""

import difflib
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_serializer, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from mnistlab.config.activations import Activation, OutputActivation, ReLU, SoftmaxActivation
from mnistlab.config.base import (
    ChosenUnion,
    Flag,
    GetJsonSchemaHandler,
    Section,
    ShareBelowOne,
    TypedUnion,
    Units,
    refuse,
)

Extent = Annotated[int, Field(strict=True, ge=1, le=1024)]
Padding = Annotated[int, Field(strict=True, ge=0, le=1024)]

_OUTPUT = Field(
    default=SoftmaxActivation(),
    description="What the last layer's sums become; cross_entropy needs softmax, "
    "binary_cross_entropy needs sigmoid.",
)


class Conv(Section):
    """A convolution over square patches; sizes round down."""

    filters: Units = Field(description="How many patterns the layer learns.")
    kernel: Extent = Field(description="The side of the square patch, in pixels.")
    stride: Extent = Field(default=1, description="Pixels from one patch to the next.")
    padding: Padding = Field(default=0, description="Rings of zeros put around the image.")
    bias: Literal["shared", "per_position", "none"] = Field(
        default="shared", description="One bias a filter, one a filter and position, or none."
    )


class Pool(Section):
    """The largest or mean value of square patches."""

    type: Literal["max", "average"] = Field(
        default="max", description="What is taken of each patch."
    )
    size: Extent = Field(default=2, description="The side of the square patch, in pixels.")
    stride: Extent = Field(
        default=2, description="Pixels from one patch to the next; as `size` when not given."
    )

    @model_validator(mode="before")
    @classmethod
    def _patches_that_touch(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and "size" in values and "stride" not in values:
            return {**values, "stride": values["size"]}
        return values


class Dense(Section):
    """A fully connected layer."""

    units: Units = Field(description="How many outputs the layer has.")
    bias: Flag = Field(default=True, description="Whether each unit has a bias.")


class ConvLayer(Section):
    """An item of `layers`: a convolution."""

    type: ClassVar[str] = "conv"
    conv: Conv = Field(description="A convolution.")


class ActivationLayer(Section):
    """An item of `layers`: an activation."""

    type: ClassVar[str] = "activation"
    activation: Activation = Field(description="An activation, element by element.")


class PoolLayer(Section):
    """An item of `layers`: pooling."""

    type: ClassVar[str] = "pool"
    pool: Pool = Field(description="Max or average pooling.")


class DropoutLayer(Section):
    """An item of `layers`: dropout."""

    type: ClassVar[str] = "dropout"
    dropout: ShareBelowOne = Field(description="The share of values set to zero in training.")


class DenseLayer(Section):
    """An item of `layers`: a fully connected layer."""

    type: ClassVar[str] = "dense"
    dense: Dense = Field(description="A fully connected layer.")


class FlattenLayer(Section):
    """An item of `layers`: the bare word `flatten`."""

    type: ClassVar[str] = "flatten"

    @model_serializer
    def _word(self) -> str:
        return "flatten"


_LAYERS: dict[str, type[Section]] = {
    "conv": ConvLayer,
    "activation": ActivationLayer,
    "pool": PoolLayer,
    "dropout": DropoutLayer,
    "dense": DenseLayer,
    "flatten": FlattenLayer,
}


def _layer(value: Any) -> tuple[Any, type[Section]]:
    if value in ("flatten", {"flatten": None}):
        return FlattenLayer(), FlattenLayer
    kinds = [kind for kind in value if kind in _LAYERS] if isinstance(value, Mapping) else []
    if len(kinds) > 1:
        refuse(f"one layer; {' and '.join(kinds)} each need an item ('- ') of their own")
    if kinds:
        return value, _LAYERS[kinds[0]]
    named = next(iter(value), None) if isinstance(value, Mapping) else value
    near = difflib.get_close_matches(str(named), _LAYERS, 1) if named is not None else []
    instead = f", not {named!r}" if isinstance(value, Mapping) and value else ""
    hint = f"; did you mean {near[0]!r}?" if near else ""
    refuse(f"one of {', '.join(_LAYERS)}, such as '- dropout: 0.4'{instead}{hint}")


class _LayerItem(ChosenUnion):
    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        *keyed, _ = handler(schema)["oneOf"]
        return {"anyOf": [*keyed, {"const": "flatten"}]}


Layer = Annotated[
    ConvLayer | ActivationLayer | PoolLayer | DropoutLayer | DenseLayer | FlattenLayer,
    _LayerItem(_layer),
]


class SoftmaxModel(Section):
    """Softmax regression: one dense layer from the pixels to the classes."""

    type: Literal["softmax"] = Field(default="softmax", description="Softmax regression.")
    bias: Flag = Field(default=True, description="Whether each output has a bias.")
    output_activation: OutputActivation = _OUTPUT


class MLPModel(Section):
    """A multilayer perceptron: dense layers with an activation between them."""

    type: Literal["mlp"] = Field(default="mlp", description="A multilayer perceptron.")
    hidden: Annotated[tuple[Units, ...], Field(max_length=100)] = Field(
        default=(128,), description="The units of each hidden layer, e.g. [256, 128]."
    )
    activation: Activation = Field(
        default=ReLU(),
        description="What follows each hidden layer: a name, or {type: leaky_relu, ...}.",
    )
    dropout: ShareBelowOne = Field(
        default=0.0, description="The share of hidden values set to zero in training."
    )
    bias: Flag = Field(default=True, description="Whether each unit has a bias.")
    output_activation: OutputActivation = _OUTPUT


class CNNModel(Section):
    """A convolutional network, as a list of layers.

    Where its last layer with weights is no dense layer of one unit per class, such an output
    layer is added at the end; `bias` is that layer's.
    """

    type: Literal["cnn"] = Field(default="cnn", description="A convolutional network.")
    layers: Annotated[tuple[Layer, ...], Field(max_length=200)] = Field(
        default=(),
        description="The layers from the image on; an output layer is added where none is.",
    )
    bias: Flag = Field(default=True, description="Whether the added output layer has a bias.")
    output_activation: OutputActivation = _OUTPUT


Model = Annotated[SoftmaxModel | MLPModel | CNNModel, TypedUnion(default="mlp")]


def layers_of(model: SoftmaxModel | MLPModel | CNNModel, classes: int) -> tuple[Layer, ...]:
    """Every layer from the image to the last sums, written out; the output activation follows.

    A CNN whose last layer with weights has no unit for each class gets an output layer.
    """
    if isinstance(model, CNNModel):
        weighted = [layer for layer in model.layers if isinstance(layer, ConvLayer | DenseLayer)]
        last = weighted[-1] if weighted else None
        if isinstance(last, DenseLayer) and last.dense.units == classes:
            return model.layers
        return (*model.layers, _dense(classes, model.bias))
    hidden: list[Layer] = []
    if isinstance(model, MLPModel):
        for units in model.hidden:
            hidden += [
                _dense(units, model.bias),
                ActivationLayer.model_construct(activation=model.activation),  # checked before
                DropoutLayer(dropout=model.dropout),
            ]
    return (*hidden, _dense(classes, model.bias))


def _dense(units: int, bias: bool) -> DenseLayer:
    return DenseLayer(dense=Dense(units=units, bias=bias))
