"""Activations: each file has one, its function above its derivative.

Every pair of kernels has the same arguments: `forward(x, parameters, y)` sets y = f(x),
`backward(x, y, parameters, dy, dx)` sets dx = dy · f'(x). The arrays are (n,); `parameters` are two
numbers, the values of the keys in `parameter_names`, and 0 where there are fewer. Convert constants
to the array's dtype: a bare 0 or 1 would promote float32 to float64. Propagate NaN: it is how a
diverging run is detected.
"""

from typing import Annotated, Any, ClassVar

import numpy as np

from mnistlab.blocks.exporting import no_counterpart
from mnistlab.blocks.registry import Family, OneOf
from mnistlab.blocks.section import Section
from mnistlab.runtime.kernel import Kernel


class ActivationBlock(Section):
    """The interface of an activation for the engine, the statistics and the exports."""

    type: str

    elementwise: ClassVar[bool] = True  # a function of each value; else of a whole row
    leaves_zeros: ClassVar[bool] = False  # whether many of its values are zero
    in_place: ClassVar[bool] = False  # whether `backward` may be given y for x
    forward: ClassVar[Kernel]
    backward: ClassVar[Kernel]
    parameter_names: ClassVar[tuple[str, ...]] = ()  # the keys of the kernels' parameters, up to 2

    @property
    def parameters(self) -> tuple[float, float]:
        """The values of the kernels' parameters."""
        first, second = [*(getattr(self, name) for name in self.parameter_names), 0.0, 0.0][:2]
        return first, second

    @property
    def text(self) -> str:
        """Its parameters for display in `check`."""
        return ", ".join(f"{name} = {getattr(self, name):g}" for name in self.parameter_names)

    def build(self, builder: Any) -> None:
        """Add its ops to a network."""
        from mnistlab.blocks.activations._lowering import build_elementwise

        build_elementwise(builder, self)

    def inactive_share(self, values: np.ndarray) -> float | None:
        """The share of dead or saturated units; `values` (images, units) after the activation.

        None if the function has no flat part.
        """
        return None

    def onnx(self, graph: Any, output: str) -> None:
        """Add its nodes to an ONNX graph; `output` names the last node's output, if its name
        matters.
        """
        raise no_counterpart("onnx", "activation", self.type)

    def torch(self) -> str:
        """The equivalent PyTorch module, as code."""
        raise no_counterpart("safetensors", "activation", self.type)

    def torch_definition(self) -> str:
        """The code of the class that `torch` names, if PyTorch lacks it."""
        return ""

    def torch_output(self) -> str:
        """The same function of `logits` in PyTorch, as code."""
        return f"{self.torch()}(logits)"


# A sigmoid or tanh this close to an end of its range, as a share of the range, is saturated.
SATURATION = 0.01


def saturated_share(values: np.ndarray, low: float, high: float) -> float:
    """The share of values within SATURATION of an end of the range, as a share of the range."""
    margin = SATURATION * (high - low)
    return float(((values < low + margin) | (values > high - margin)).mean())


ACTIVATIONS = Family("mnistlab.blocks.activations", ActivationBlock)
ELEMENTWISE = ACTIVATIONS.where(lambda block: block.elementwise)

Activation = Annotated[ActivationBlock, OneOf(ELEMENTWISE)]
OutputActivation = Annotated[ActivationBlock, OneOf(ACTIVATIONS)]
