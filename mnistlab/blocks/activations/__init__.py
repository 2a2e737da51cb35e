"""Activations: each file has one, its function above its derivative.

Every pair of kernels has the same arguments, all (n,) but the parameter: `forward(x, parameter, y)`
sets y = f(x), `backward(x, y, parameter, dy, dx)` sets dx = dy · f'(x). Make constants of the
array's own dtype: a bare 0 or 1 would widen float32 to float64. Let NaN through: a run that
diverges is found by it.
"""

from typing import Annotated, Any, ClassVar

import numpy as np

from mnistlab.blocks.exporting import no_counterpart
from mnistlab.blocks.registry import Family, OneOf
from mnistlab.blocks.section import Section
from mnistlab.runtime.kernel import Kernel


class ActivationBlock(Section):
    """What the engine, the statistics and the exports ask of an activation."""

    type: str

    elementwise: ClassVar[bool] = True  # one number of each; else of a whole row
    leaves_zeros: ClassVar[bool] = False  # whether many of its values are zero
    forward: ClassVar[Kernel]
    backward: ClassVar[Kernel]
    parameter_name: ClassVar[str | None] = None  # the key that the kernels' parameter comes from

    @property
    def parameter(self) -> float:
        """What the kernels get as their parameter."""
        return getattr(self, self.parameter_name) if self.parameter_name else 0.0

    @property
    def text(self) -> str:
        """Its parameter, as `check` shows it."""
        return f"{self.parameter_name} = {self.parameter:g}" if self.parameter_name else ""

    def build(self, builder: Any) -> None:
        """Put its ops upon a network."""
        from mnistlab.blocks.activations._lowering import build_elementwise

        build_elementwise(builder, self)

    def inactive_share(self, values: np.ndarray) -> float | None:
        """The share that is dead or saturated; `values` (images, units) after the activation.

        None where the function has no flat part.
        """
        return None

    def onnx(self, graph: Any, output: str) -> None:
        """Add its nodes to an ONNX graph; `output` names what leaves the last, if that matters."""
        raise no_counterpart("onnx", "activation", self.type)

    def torch(self) -> str:
        """The PyTorch module with the same function, as code."""
        raise no_counterpart("safetensors", "activation", self.type)

    def torch_definition(self) -> str:
        """The code of the class that `torch` names, where PyTorch lacks it."""
        return ""

    def torch_output(self) -> str:
        """The same function of `logits` in PyTorch, as code."""
        return f"{self.torch()}(logits)"


# A sigmoid or tanh within this share of its range from an end of it counts as saturated.
SATURATION = 0.01


def saturated_share(values: np.ndarray, low: float, high: float) -> float:
    """The share of values within SATURATION of the range from an end of it."""
    margin = SATURATION * (high - low)
    return float(((values < low + margin) | (values > high - margin)).mean())


ACTIVATIONS = Family("mnistlab.blocks.activations", ActivationBlock)
ELEMENTWISE = ACTIVATIONS.where(lambda block: block.elementwise)

Activation = Annotated[ActivationBlock, OneOf(ELEMENTWISE)]
OutputActivation = Annotated[ActivationBlock, OneOf(ACTIVATIONS)]
