"""The configuration's `optimizer`: how a gradient becomes a step."""

from typing import Annotated, Any, Literal

from pydantic import Field

from mnistlab.config.base import Flag, NonNegative, Positive, Section, ShareBelowOne, TypedUnion

_LR_SCALE: Any = Field(
    default={},
    description="A factor on the rate of some tensors, by name or pattern: "
    '{"*.bias": 0.03125, dense1.weight: 0.1}.',
)


def _rate(default: float) -> float:
    # The adaptive ones divide by the gradient's size, so that lr is about the size of a step.
    return Field(
        default=default, description="The learning rate; the schedule may change it in training."
    )


_BETA1 = Field(default=0.9, description="The decay of the gradient's running mean.")
_BETA2 = Field(default=0.999, description="The decay of the squared gradient's running mean.")
_EPSILON = Field(default=1e-8, description="Added to the root that the step is divided by.")


class SGD(Section):
    """Gradient descent: v = momentum v + g; W -= lr v."""

    type: Literal["sgd"] = Field(default="sgd", description="Stochastic gradient descent.")
    lr: Positive = _rate(0.1)
    momentum: ShareBelowOne = Field(
        default=0.0, description="The share of the last step that is kept."
    )
    nesterov: Flag = Field(default=False, description="Step by g + momentum v.")
    velocity: Literal["gradient", "step"] = Field(
        default="gradient",
        description="gradient: v = momentum v + g; W -= lr v. step: v = momentum v + lr g; W -= v.",
    )
    lr_scale: dict[str, NonNegative] = _LR_SCALE


class Adam(Section):
    """Adam (Kingma and Ba 2015): m̂ / (√v̂ + epsilon)."""

    type: Literal["adam"] = Field(default="adam", description="Adam.")
    lr: Positive = _rate(0.001)
    beta1: ShareBelowOne = _BETA1
    beta2: ShareBelowOne = _BETA2
    epsilon: Positive = _EPSILON
    lr_scale: dict[str, NonNegative] = _LR_SCALE


class AdamW(Section):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019)."""

    type: Literal["adamw"] = Field(default="adamw", description="Adam with decoupled weight decay.")
    lr: Positive = _rate(0.001)
    beta1: ShareBelowOne = _BETA1
    beta2: ShareBelowOne = _BETA2
    epsilon: Positive = _EPSILON
    weight_decay: NonNegative = Field(
        default=0.01, description="Each step also takes lr * weight_decay * W off."
    )
    lr_scale: dict[str, NonNegative] = _LR_SCALE


class RMSProp(Section):
    """RMSProp: g / (√s + epsilon)."""

    type: Literal["rmsprop"] = Field(default="rmsprop", description="RMSProp.")
    lr: Positive = _rate(0.001)
    alpha: ShareBelowOne = Field(
        default=0.99, description="The decay of the squared gradient's mean."
    )
    epsilon: Positive = _EPSILON
    lr_scale: dict[str, NonNegative] = _LR_SCALE


Optimizer = Annotated[SGD | Adam | AdamW | RMSProp, TypedUnion(default="sgd")]
