"""The activations a configuration can name, as a word (`relu`) or as a mapping with parameters."""

from typing import Annotated, Literal

from pydantic import Field

from mnistlab.config.base import BareSection, NonNegative, Positive, Section, TypedUnion


class IdentityActivation(BareSection):
    """x itself: a linear layer."""

    type: Literal["identity"] = Field(default="identity", description="x")


class ReLU(BareSection):
    """max(0, x)."""

    type: Literal["relu"] = Field(default="relu", description="max(0, x)")


class ReLU6(BareSection):
    """min(max(0, x), 6)."""

    type: Literal["relu6"] = Field(default="relu6", description="min(max(0, x), 6)")


class LeakyReLU(Section):
    """x where x > 0, else alpha x."""

    type: Literal["leaky_relu"] = Field(
        default="leaky_relu", description="x where x > 0, else alpha x"
    )
    alpha: NonNegative = Field(default=0.01, description="The slope left of zero.")


class Sigmoid(Section):
    """1 / (1 + exp(-k x))."""

    type: Literal["sigmoid"] = Field(default="sigmoid", description="1 / (1 + exp(-k x))")
    k: Positive = Field(default=1.0, description="The steepness: the slope at zero is k / 4.")


class Tanh(BareSection):
    """tanh(x)."""

    type: Literal["tanh"] = Field(default="tanh", description="tanh(x)")


class SoftmaxActivation(BareSection):
    """exp(x) over its sum: one probability per class."""

    type: Literal["softmax"] = Field(default="softmax", description="exp(x) / sum(exp(x))")


# A new activation is a section above and its name here; its functions: kernels/activations.py.
Elementwise = IdentityActivation | ReLU | ReLU6 | LeakyReLU | Sigmoid | Tanh

Activation = Annotated[Elementwise, TypedUnion(short=True)]
OutputActivation = Annotated[Elementwise | SoftmaxActivation, TypedUnion(short=True)]
