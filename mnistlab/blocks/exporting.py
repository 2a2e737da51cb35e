"""Exports of blocks: a trained layer becomes PyTorch modules or ONNX nodes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from mnistlab.support.errors import UsageError


@dataclass(frozen=True, eq=False)
class TrainedLayer:
    """A layer of the configuration, with its name and tensors in the run, if it has any.

    `tensors` are by their kind, such as `weight`. `on_image`: whether its input is an image.
    """

    layer: Any
    on_image: bool
    name: str = ""
    tensors: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def weight(self) -> np.ndarray | None:
        return self.tensors.get("weight")

    @property
    def bias(self) -> np.ndarray | None:
        return self.tensors.get("bias")


@dataclass(frozen=True, eq=False)
class TorchModule:
    """A line of an nn.Sequential, and its tensors by PyTorch's names.

    `definition` is the code of a class that PyTorch lacks.
    """

    text: str
    tensors: dict[str, np.ndarray] = field(default_factory=dict)
    definition: str = ""


class OnnxGraph(Protocol):
    """A chain of nodes; each takes the output of the one before."""

    def add(self, operator: str, output: str = "", /, *constants: str, **attributes: Any) -> None:
        """Add a node that takes the last output and the constants; `output` names its output."""

    def constant(self, name: str, values: Any, dtype: Any = np.float32) -> str:
        """Add a constant to the graph; returns its name."""

    def new_constant(self, name: str, value: Any, dtype: Any = np.float32) -> str:
        """Add a constant of one node; its name gets the node's number as a suffix."""


def tensors_of(graph: OnnxGraph, trained: TrainedLayer) -> list[str]:
    """The names of a layer's weight, and bias if it has one, as constants of the graph."""
    tensors = {"weight": trained.weight, "bias": trained.bias}
    return [
        graph.constant(f"{trained.name}.{kind}", tensor)
        for kind, tensor in tensors.items()
        if tensor is not None
    ]


def described(shape: tuple[int | str, ...]) -> str:
    """An array's shape as text: `(N, 28, 28)`."""
    return f"({', '.join(map(str, shape))})"


def no_counterpart(format: str, what: str, name: str) -> UsageError:
    """The error for a block that a format cannot represent: the file would be a
    different network.
    """
    return UsageError(
        f"--format {format} cannot represent the {what} {name!r}; nothing was written; "
        "--format npz has the tensors of any network"
    )
