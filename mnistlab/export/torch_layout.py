"""A network in PyTorch's layout: its tensors, and the nn.Sequential that takes them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, assert_never

import numpy as np

from mnistlab.config import (
    ActivationLayer,
    ConvLayer,
    DenseLayer,
    DropoutLayer,
    FlattenLayer,
    PoolLayer,
    Sigmoid,
)
from mnistlab.experiment.model import Model
from mnistlab.export.network import (
    CONV_KEYS,
    DENSE_KEYS,
    POOL_KEYS,
    TrainedLayer,
    Writer,
    activation_writer,
    described,
    layer_writer,
    network_of,
)

FORMAT = "safetensors"

IMPORTS = """\
import torch
from safetensors.torch import load_file
from torch import nn
"""
SNIPPET = '''\
network = nn.Sequential(
{modules}){double}
network.load_state_dict(load_file({file!r}))
network.eval()


def predict(images: torch.Tensor) -> torch.Tensor:
    """{outputs} of images {images}, raw pixels from 0 to 255."""
    logits = network({normalised})
    return {output}
'''
# What PyTorch has no module for.
CLASSES = {
    "PositionBias": '''\
class PositionBias(nn.Module):
    """A bias for every filter and position."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(shape))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.bias
''',
    "SlopedSigmoid": '''\
class SlopedSigmoid(nn.Module):
    """1 / (1 + exp(-k x))."""

    def __init__(self, k: float) -> None:
        super().__init__()
        self.k = k

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.k * x)
''',
}


@dataclass(frozen=True, eq=False)
class Module:
    """A line of the nn.Sequential, and the tensors it has, by the names that PyTorch gives them."""

    text: str
    tensors: dict[str, np.ndarray]


def torch_tensors(model: Model) -> dict[str, np.ndarray]:
    """The tensors under the names of the nn.Sequential's state: `1.weight` and so on.

    A dense weight is (fan_out, fan_in) there; a convolution's is as ours.
    """
    return {
        f"{number}.{kind}": np.ascontiguousarray(tensor)
        for number, module in enumerate(_modules(model))
        for kind, tensor in module.tensors.items()
    }


def torch_snippet(model: Model, file: Path) -> str:
    """Python that makes the network in PyTorch, loads `file` into it, and asks it."""
    height, width = model.image_shape
    scale, offset = model.inference.pixel
    dtype = model.config.training.dtype
    body = SNIPPET.format(
        modules="".join(f"    {module.text},\n" for module in _modules(model)),
        double={"float32": "", "float64": ".double()"}[dtype],
        file=str(file),
        outputs=f"{_outputs(model)} {described(('N', len(model.class_names)))}",
        images=described(("N", height, width)),
        normalised=f"images.to(torch.{dtype}).unsqueeze(1)" + _times_plus(scale, offset),
        output=_output_text(model.config.model.output_activation),
    )
    classes = [text for name, text in CLASSES.items() if f"{name}(" in body]
    return "\n\n".join([IMPORTS, *classes, body] if classes else [IMPORTS + "\n" + body])


def _times_plus(scale: float, offset: float) -> str:
    """` * scale + offset`, without what changes nothing."""
    times = "" if scale == 1 else f" * {scale!r}"
    return times if offset == 0 else f"{times} {'+-'[offset < 0]} {abs(offset)!r}"


def _outputs(model: Model) -> str:
    kind = model.config.model.output_activation.type
    return "Probabilities" if kind in ("softmax", "sigmoid") else "Outputs"


def _modules(model: Model) -> list[Module]:
    return [module for trained in network_of(model) for module in _modules_of(trained)]


def _modules_of(trained: TrainedLayer) -> list[Module]:
    return layer_writer(_LAYERS, trained.layer, FORMAT)(trained, trained.layer)


def _pool(trained: TrainedLayer, layer: PoolLayer) -> list[Module]:
    name = {"max": "MaxPool2d", "average": "AvgPool2d"}[layer.pool.type]
    return [Module(f"nn.{name}({layer.pool.size}, stride={layer.pool.stride})", {})]


def _dropout(trained: TrainedLayer, layer: DropoutLayer) -> list[Module]:
    return [Module(f"nn.Dropout({layer.dropout!r})", {})]


def _activation(trained: TrainedLayer, layer: ActivationLayer) -> list[Module]:
    return [Module(_activation_text(layer.activation), {})]


def _flatten(trained: TrainedLayer, layer: FlattenLayer) -> list[Module]:
    return [Module("nn.Flatten()", {})]


def _convolution(trained: TrainedLayer, layer: ConvLayer) -> list[Module]:
    """A convolution; PyTorch has one bias for each filter, so that one by position follows."""
    conv, weight, bias = layer.conv, trained.weight, trained.bias
    assert weight is not None
    filters, channels, kernel, _ = weight.shape
    settings = [str(channels), str(filters), str(kernel)]
    settings += [f"stride={conv.stride}"] if conv.stride != 1 else []
    settings += [f"padding={conv.padding}"] if conv.padding else []
    if conv.bias == "shared":
        assert bias is not None
        return [Module(f"nn.Conv2d({', '.join(settings)})", {"weight": weight, "bias": bias})]
    modules = [Module(f"nn.Conv2d({', '.join([*settings, 'bias=False'])})", {"weight": weight})]
    if conv.bias == "per_position":
        assert bias is not None
        return [*modules, Module(f"PositionBias{described(bias.shape)}", {"bias": bias})]
    if conv.bias == "none":
        return modules
    assert_never(conv.bias)


def _dense(trained: TrainedLayer, layer: DenseLayer) -> list[Module]:
    weight, bias = trained.weight, trained.bias
    assert weight is not None
    fan_in, fan_out = weight.shape
    if bias is None:
        return [Module(f"nn.Linear({fan_in}, {fan_out}, bias=False)", {"weight": weight.T})]
    return [Module(f"nn.Linear({fan_in}, {fan_out})", {"weight": weight.T, "bias": bias})]


_LAYERS = {
    "conv": Writer(_convolution, CONV_KEYS),
    "pool": Writer(_pool, POOL_KEYS),
    "dense": Writer(_dense, DENSE_KEYS),
    "dropout": Writer(_dropout),
    "activation": Writer(_activation),
    "flatten": Writer(_flatten),
}


def _sigmoid_text(activation: Sigmoid) -> str:
    return "nn.Sigmoid()" if activation.k == 1 else f"SlopedSigmoid({activation.k!r})"


# The module of an activation.
_ACTIVATIONS = {
    "identity": Writer(lambda activation: "nn.Identity()"),
    "relu": Writer(lambda activation: "nn.ReLU()"),
    "relu6": Writer(lambda activation: "nn.ReLU6()"),
    "leaky_relu": Writer(
        lambda activation: f"nn.LeakyReLU({activation.alpha!r})", frozenset({"alpha"})
    ),
    "sigmoid": Writer(_sigmoid_text, frozenset({"k"})),
    "tanh": Writer(lambda activation: "nn.Tanh()"),
}
# What becomes of `logits`: a network in PyTorch ends in these, as its losses do.
_OUTPUTS = {
    **{
        name: Writer(lambda activation: f"{_activation_text(activation)}(logits)", writer.keys)
        for name, writer in _ACTIVATIONS.items()
    },
    "identity": Writer(lambda activation: "logits"),
    "softmax": Writer(lambda activation: "torch.softmax(logits, dim=1)"),
}


def _activation_text(activation: Any) -> str:
    return activation_writer(_ACTIVATIONS, activation, FORMAT)(activation)


def _output_text(activation: Any) -> str:
    return activation_writer(_OUTPUTS, activation, FORMAT)(activation)
