"""What blocks tell other tools: a trained layer goes in, modules or nodes come out."""

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from mnistlab.support.errors import UsageError


@dataclass(frozen=True, eq=False)
class TrainedLayer:
    """A layer of the configuration, and the name and tensors that it has in the run, if any."""

    layer: Any
    name: str = ""
    weight: np.ndarray | None = None
    bias: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class TorchModule:
    """A line of an nn.Sequential, and the tensors it has, by the names that PyTorch gives them.

    `definition` is the code of a class that PyTorch lacks.
    """

    text: str
    tensors: dict[str, np.ndarray] = field(default_factory=dict)
    definition: str = ""


class OnnxGraph(Protocol):
    """Nodes one after another, each on the output of the one before."""

    def add(self, operator: str, output: str = "", /, *constants: str, **attributes: Any) -> None:
        """A node of the last output and the constants; `output` names what leaves it."""

    def constant(self, name: str, values: Any, dtype: Any = np.float32) -> str:
        """A constant of the graph; returns its name, for a node to take."""

    def new_constant(self, name: str, value: Any) -> str:
        """A constant of one node: its name is followed by the node's number."""


def tensors_of(graph: OnnxGraph, trained: TrainedLayer) -> list[str]:
    """The names of a layer's weight, and bias if it has one, as constants of the graph."""
    tensors = {"weight": trained.weight, "bias": trained.bias}
    return [
        graph.constant(f"{trained.name}.{kind}", tensor)
        for kind, tensor in tensors.items()
        if tensor is not None
    ]


def described(shape: tuple[int | str, ...]) -> str:
    """A shape in words of arrays: `(N, 28, 28)`."""
    return f"({', '.join(map(str, shape))})"


def no_counterpart(format: str, what: str, name: str) -> UsageError:
    """The error for a block that a format can't say: another network would be written instead."""
    return UsageError(
        f"--format {format} knows no {what} {name!r}: nothing was written; "
        "--format npz has the tensors of any network"
    )
