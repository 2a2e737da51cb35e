"""A trained network as a list of layers with their weights, as other tools want it told."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mnistlab.config import ConvLayer, DenseLayer, DropoutLayer, FlattenLayer, Layer, layers_of
from mnistlab.experiment.model import Model


@dataclass(frozen=True, eq=False)
class TrainedLayer:
    """A layer of the configuration, and the name and tensors that it has in the run, if any."""

    layer: Layer
    name: str = ""
    weight: np.ndarray | None = None
    bias: np.ndarray | None = None


def network_of(model: Model) -> list[TrainedLayer]:
    """The network from the image to the last sums, which the output activation takes.

    Where the configuration lets an image run into a dense layer, a `flatten` stands before that
    layer, and one that has nothing to flatten is left out; so is dropout of nothing.
    """
    network: list[TrainedLayer] = []
    is_image, counts = True, {"conv": 0, "dense": 0}
    for layer in layers_of(model.config.model, len(model.class_names)):
        if isinstance(layer, FlattenLayer | DenseLayer) and is_image:
            network.append(TrainedLayer(FlattenLayer()))
            is_image = False
        if isinstance(layer, ConvLayer | DenseLayer):
            counts[layer.type] += 1
            name = f"{layer.type}{counts[layer.type]}"
            weight, bias = (model.tensors.get(f"{name}.{kind}") for kind in ("weight", "bias"))
            network.append(TrainedLayer(layer, name, weight, bias))
        elif not (
            isinstance(layer, FlattenLayer)
            or (isinstance(layer, DropoutLayer) and layer.dropout == 0)
        ):
            network.append(TrainedLayer(layer))
    return network


def described(shape: Sequence[int | str]) -> str:
    """A shape in words of arrays: `(N, 28, 28)`."""
    return f"({', '.join(map(str, shape))})"
