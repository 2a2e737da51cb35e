"""Report E's network: activations, initial weights, losses, and right and faulty gradients.

Layers without biases: a1 = f(x W1), a2 = f(a1 W2), out = f(a2 W3).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from docs.faults.common import Gradient, Loss, Params, one_hot

Errors = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Activation:
    """f, and its derivative as a function of f's value."""

    f: Callable[[np.ndarray], np.ndarray]
    slope: Callable[[np.ndarray], np.ndarray]


def sigmoid(z: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(−z)), computed with tanh, which does not overflow."""
    return (np.tanh(z / 2) + 1) / 2


SIGMOID = Activation(sigmoid, lambda a: a * (1 - a))
RELU = Activation(lambda z: np.maximum(z, 0), lambda a: (a > 0).astype(a.dtype))


def uniform(units: tuple[int, ...], seed: int = 0) -> Params:
    """Weights from uniform(−1, 1)."""
    stream = np.random.default_rng(seed)
    return {
        f"W{layer}": stream.uniform(-1, 1, shape).astype(np.float32)
        for layer, shape in enumerate(pairwise(units), 1)
    }


def normal_by_fan(units: tuple[int, ...], factor: float | None = None, seed: int = 0) -> Params:
    """Weights from N(0, 1) times a factor, or over √fan_in."""
    stream = np.random.default_rng(seed)
    return {
        f"W{layer}": (stream.standard_normal(shape) * (factor or shape[0] ** -0.5)).astype(
            np.float32
        )
        for layer, shape in enumerate(pairwise(units), 1)
    }


def outputs(w: Params, x: np.ndarray, activation: Activation) -> list[np.ndarray]:
    """x, a1, a2, out."""
    found = [x]
    for weight in w.values():
        found.append(activation.f(found[-1] @ weight))
    return found


def rule(activation: Activation, slope: Errors) -> Gradient:
    """Backpropagation; `slope` is the derivative of the loss with respect to the output."""

    def gradient(w: Params, x: np.ndarray, labels: np.ndarray) -> Params:
        *inputs, out = outputs(w, x, activation)
        dz = slope(out, one_hot(labels, x.dtype)) * activation.slope(out)
        return _by_layer(w, inputs, dz, activation)

    return gradient


def _by_layer(
    w: Params, inputs: Sequence[np.ndarray], dz: np.ndarray, activation: Activation
) -> Params:
    """The weights' gradients, from the last layer's dz and the inputs of every layer."""
    slopes = {}
    for layer in range(len(w), 0, -1):
        h = inputs[layer - 1]
        slopes[f"W{layer}"] = h.T @ dz
        if layer > 1:
            dz = dz @ w[f"W{layer}"].T * activation.slope(h)
    return {name: slopes[name] for name in w}


def half_squared_slope(out: np.ndarray, y: np.ndarray) -> np.ndarray:
    """d/d out of ½ Σ (out − y)²."""
    return out - y


def squared_slope(out: np.ndarray, y: np.ndarray) -> np.ndarray:
    """d/d out of Σ (out − y)², the loss that the report writes down."""
    return 2 * (out - y)


def binary_slope(out: np.ndarray, y: np.ndarray) -> np.ndarray:
    """d/d out of −Σ [y log out + (1 − y) log(1 − out)]: none at 0 and 1, wrong sign above 1."""
    return (1 - y) / (1 - out) - y / out


def binary_by_logits(w: Params, x: np.ndarray, labels: np.ndarray) -> Params:
    """The gradient of that loss with a sigmoid as output: dz = out − y, which is never 0 / 0."""
    *inputs, out = outputs(w, x, SIGMOID)
    return _by_layer(w, inputs, out - one_hot(labels, x.dtype), SIGMOID)


def squared_loss(activation: Activation) -> Loss:
    """Σ (out − y)² over outputs and images."""
    return lambda w, x, labels: float(
        ((outputs(w, x, activation)[-1] - one_hot(labels, x.dtype)) ** 2).sum()
    )


def binary_loss(activation: Activation) -> Loss:
    """−Σ [y log out + (1 − y) log(1 − out)], NaN if an output is above 1."""

    def value(w: Params, x: np.ndarray, labels: np.ndarray) -> float:
        out, y = outputs(w, x, activation)[-1], one_hot(labels, x.dtype)
        return float(-np.log(np.where(y > 0, out, 1 - out)).sum())

    return value
