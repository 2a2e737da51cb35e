"""A configuration's network as a plain list of sized layers, for PyTorch, JAX and the counts."""

import math
from dataclasses import dataclass

from mnistlab.blocks.layers.activation import ActivationLayer
from mnistlab.blocks.layers.conv2d import ConvLayer
from mnistlab.blocks.layers.dense import DenseLayer
from mnistlab.blocks.layers.dropout import DropoutLayer
from mnistlab.blocks.layers.flatten import FlattenLayer
from mnistlab.blocks.layers.pool2d import PoolLayer
from mnistlab.blocks.models.cnn import CNNModel
from mnistlab.blocks.models.mlp import MLPModel
from mnistlab.config import RunConfig

CACHED_VALUES = 1_000_000  # 4 MB of float32


@dataclass(frozen=True)
class Dense:
    """y = x W + b: x (batch, inputs), W (inputs, units), y (batch, units)."""

    inputs: int
    units: int
    bias: bool


@dataclass(frozen=True)
class Conv:
    """x (batch, channels, height, width) to y (batch, filters, rows, columns)."""

    channels: int
    filters: int
    kernel: int
    stride: int
    padding: int
    bias: bool
    rows: int
    columns: int


@dataclass(frozen=True)
class Pool:
    """The largest or mean value of patches of size × size, `stride` apart."""

    type: str
    size: int
    stride: int


@dataclass(frozen=True)
class Activation:
    """A function of every value by itself, by its name in the configuration."""

    type: str


@dataclass(frozen=True)
class Dropout:
    """In training a share of the values is zero, and the others grow by 1 / (1 - rate)."""

    rate: float


@dataclass(frozen=True)
class Flatten:
    """(channels, rows, columns) as one vector."""


Layer = Dense | Conv | Pool | Activation | Dropout | Flatten
Shape = tuple[int, ...]


def layers(config: RunConfig, image: tuple[int, int], classes: int) -> list[Layer]:
    """The layers from the image (height, width) to the logits (classes,).

    Raises ValueError for a model that the peers don't have.
    """
    model = config.model
    if config.loss.type != "cross_entropy" or model.output_activation.type != "softmax":
        raise ValueError("the peers have softmax and cross-entropy alone")
    if isinstance(model, CNNModel):
        return _cnn(model, image, classes)
    found: list[Layer] = [Flatten()]
    width = math.prod(image)
    for units in model.hidden if isinstance(model, MLPModel) else ():
        found += [Dense(width, units, model.bias), Activation(model.activation.type)]
        if model.dropout:
            found.append(Dropout(model.dropout))
        width = units
    return [*found, Dense(width, classes, model.bias)]


def _cnn(model: CNNModel, image: tuple[int, int], classes: int) -> list[Layer]:
    found: list[Layer] = []
    shape: Shape = (1, *image)
    for layer in model.layers:
        if isinstance(layer, DenseLayer) and len(shape) > 1:
            found.append(Flatten())
            shape = (math.prod(shape),)
        sized = _sized(layer, shape)
        found.append(sized)
        shape = _shape_above(sized, shape)
    if shape != (classes,):
        if len(shape) > 1:
            found.append(Flatten())
        found.append(Dense(math.prod(shape), classes, model.bias))
    return found


def _sized(layer: object, shape: Shape) -> Layer:
    if isinstance(layer, ConvLayer):
        conv = layer.conv
        if conv.bias == "per_position":
            raise ValueError("the peers have no bias per position")
        rows, columns = (
            (side + 2 * conv.padding - conv.kernel) // conv.stride + 1 for side in shape[1:]
        )
        return Conv(
            channels=shape[0],
            filters=conv.filters,
            kernel=conv.kernel,
            stride=conv.stride,
            padding=conv.padding,
            bias=conv.bias == "shared",
            rows=rows,
            columns=columns,
        )
    if isinstance(layer, PoolLayer):
        return Pool(layer.pool.type, layer.pool.size, layer.pool.stride)
    if isinstance(layer, ActivationLayer):
        return Activation(layer.activation.type)
    if isinstance(layer, DropoutLayer):
        return Dropout(layer.dropout)
    if isinstance(layer, DenseLayer):
        return Dense(math.prod(shape), layer.dense.units, layer.dense.bias)
    assert isinstance(layer, FlattenLayer)
    return Flatten()


def _shape_above(layer: Layer, shape: Shape) -> Shape:
    if isinstance(layer, Conv):
        return (layer.filters, layer.rows, layer.columns)
    if isinstance(layer, Pool):
        return (shape[0], *((side - layer.size) // layer.stride + 1 for side in shape[1:]))
    if isinstance(layer, Dense):
        return (layer.units,)
    return (math.prod(shape),) if isinstance(layer, Flatten) else shape


def flops_per_image(network: list[Layer], training: bool = True) -> int:
    """Multiplications and additions of the layers with weights, for one image.

    Forward, one product; in training two more, the gradients of the weights and of the input; the
    image itself needs none. Zeros count as much as any value.
    """
    products = 0
    weighted = [layer for layer in network if isinstance(layer, Dense | Conv)]
    for place, layer in enumerate(weighted):
        if isinstance(layer, Dense):
            multiplications = layer.inputs * layer.units
        else:
            patch = layer.channels * layer.kernel**2
            multiplications = layer.filters * patch * layer.rows * layer.columns
        products += multiplications * ((3 if place else 2) if training else 1)
    return 2 * products


def evaluation_rows(network: list[Layer]) -> int:
    """Images of a batch when nothing is learnt: the widest layer's values fit into the cache.

    Measured on W6: 20 images at once take two thirds of the time of 500.
    """
    widths = [layer.units for layer in network if isinstance(layer, Dense)]
    widths += [
        layer.filters * layer.rows * layer.columns for layer in network if isinstance(layer, Conv)
    ]
    return max(20, min(500, CACHED_VALUES // max(widths)))
