"""A trained network as a list of layers with their weights, as other tools want it told."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mnistlab.config import ConvLayer, DenseLayer, DropoutLayer, FlattenLayer, Layer, layers_of
from mnistlab.config.base import Section
from mnistlab.errors import UsageError
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


CONV_KEYS = frozenset({"filters", "kernel", "stride", "padding", "bias"})
POOL_KEYS = frozenset({"size", "stride"})  # and `type`, which chooses
DENSE_KEYS = frozenset({"units", "bias"})


@dataclass(frozen=True)
class Writer:
    """How a format writes one kind of layer or activation: a function, and the keys it heeds."""

    write: Callable[..., Any]
    keys: frozenset[str] = frozenset()


def writer_of(
    writers: Mapping[str, Writer], what: str, kind: str, settings: Any, format: str
) -> Callable[..., Any]:
    """What writes `kind` (a layer, an activation) with the `settings` of its configuration.

    Raises UsageError for a kind that the format has no writer for, or a key that its writer does
    not heed: a network that lacks either would be another network.
    """
    instead = "nothing was written; --format npz has the tensors of any network"
    if kind not in writers:
        raise UsageError(f"--format {format} knows no {what} {kind!r}: {instead}")
    keys = set(type(settings).model_fields) - {"type"} if settings is not None else set()
    for key in sorted(keys ^ writers[kind].keys):
        raise UsageError(f"--format {format} knows no key {key!r} of {what} {kind!r}: {instead}")
    return writers[kind].write


def layer_writer(writers: Mapping[str, Writer], layer: Layer, format: str) -> Callable[..., Any]:
    """What writes a layer; raises UsageError as `writer_of` does."""
    settings = getattr(layer, layer.type, None)
    section = settings if isinstance(settings, Section) and layer.type != "activation" else None
    return writer_of(writers, "layer", layer.type, section, format)


def activation_writer(
    writers: Mapping[str, Writer], activation: Any, format: str
) -> Callable[..., Any]:
    """What writes an activation; raises UsageError as `writer_of` does."""
    return writer_of(writers, "activation", activation.type, activation, format)


def described(shape: Sequence[int | str]) -> str:
    """A shape in words of arrays: `(N, 28, 28)`."""
    return f"({', '.join(map(str, shape))})"
