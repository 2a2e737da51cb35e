"""Activations: each function above its derivative, one element at a time.

Every pair has the same arguments, all (n,) but the parameter: `forward(x, parameter, y)` sets
y = f(x), `backward(x, y, parameter, dy, dx)` sets dx = dy · f'(x). Constants are made of the
array's own dtype: a bare 0 or 1 would widen float32 to float64.
"""

from typing import Any, NamedTuple

import numpy as np

from mnistlab.kernels.exponential import exp, tanh
from mnistlab.kernels.jit import kernel


@kernel
def identity_forward(x: np.ndarray, parameter: float, y: np.ndarray) -> None:
    """y = x."""
    for i in range(x.size):
        y[i] = x[i]


@kernel
def identity_backward(
    x: np.ndarray, y: np.ndarray, parameter: float, dy: np.ndarray, dx: np.ndarray
) -> None:
    """dx = dy."""
    for i in range(dy.size):
        dx[i] = dy[i]


@kernel
def relu_forward(x: np.ndarray, parameter: float, y: np.ndarray) -> None:
    """y = max(x, 0), NaN kept."""
    zero = x.dtype.type(0)
    for i in range(x.size):
        y[i] = zero if x[i] < zero else x[i]


@kernel
def relu_backward(
    x: np.ndarray, y: np.ndarray, parameter: float, dy: np.ndarray, dx: np.ndarray
) -> None:
    """dx = dy where x > 0, else 0."""
    zero = x.dtype.type(0)
    for i in range(dy.size):
        dx[i] = dy[i] if x[i] > zero else zero


@kernel
def relu6_forward(x: np.ndarray, parameter: float, y: np.ndarray) -> None:
    """y = min(max(x, 0), 6), NaN kept."""
    zero, six = x.dtype.type(0), x.dtype.type(6)
    for i in range(x.size):
        y[i] = zero if x[i] < zero else (six if x[i] > six else x[i])


@kernel
def relu6_backward(
    x: np.ndarray, y: np.ndarray, parameter: float, dy: np.ndarray, dx: np.ndarray
) -> None:
    """dx = dy where 0 < x < 6, else 0."""
    zero, six = x.dtype.type(0), x.dtype.type(6)
    for i in range(dy.size):
        dx[i] = dy[i] if (x[i] > zero) & (x[i] < six) else zero


@kernel
def leaky_relu_forward(x: np.ndarray, parameter: float, y: np.ndarray) -> None:
    """y = x where x > 0, else alpha · x; the parameter is alpha."""
    zero, alpha = x.dtype.type(0), x.dtype.type(parameter)
    for i in range(x.size):
        y[i] = x[i] if x[i] > zero else alpha * x[i]


@kernel
def leaky_relu_backward(
    x: np.ndarray, y: np.ndarray, parameter: float, dy: np.ndarray, dx: np.ndarray
) -> None:
    """dx = dy where x > 0, else alpha · dy."""
    zero, alpha = x.dtype.type(0), x.dtype.type(parameter)
    for i in range(dy.size):
        dx[i] = dy[i] if x[i] > zero else alpha * dy[i]


@kernel
def sigmoid_forward(x: np.ndarray, parameter: float, y: np.ndarray) -> None:
    """y = 1 / (1 + exp(−k x)); the parameter is the slope k. Where exp is inf, y is 0."""
    one, k = x.dtype.type(1), x.dtype.type(parameter)
    for i in range(x.size):
        y[i] = one / (one + exp(-k * x[i]))


@kernel
def sigmoid_backward(
    x: np.ndarray, y: np.ndarray, parameter: float, dy: np.ndarray, dx: np.ndarray
) -> None:
    """dx = dy · k y (1 − y)."""
    one, k = x.dtype.type(1), x.dtype.type(parameter)
    for i in range(dy.size):
        dx[i] = dy[i] * k * y[i] * (one - y[i])


@kernel
def tanh_forward(x: np.ndarray, parameter: float, y: np.ndarray) -> None:
    """y = tanh(x)."""
    for i in range(x.size):
        y[i] = tanh(x[i])


@kernel
def tanh_backward(
    x: np.ndarray, y: np.ndarray, parameter: float, dy: np.ndarray, dx: np.ndarray
) -> None:
    """dx = dy · (1 − y²)."""
    one = x.dtype.type(1)
    for i in range(dy.size):
        dx[i] = dy[i] * (one - y[i] * y[i])


class Activation(NamedTuple):
    """A function and its derivative, and the name of its parameter in a configuration, if any."""

    forward: Any
    backward: Any
    parameter: str | None = None


ACTIVATIONS = {
    "identity": Activation(identity_forward, identity_backward),
    "relu": Activation(relu_forward, relu_backward),
    "relu6": Activation(relu6_forward, relu6_backward),
    "leaky_relu": Activation(leaky_relu_forward, leaky_relu_backward, "alpha"),
    "sigmoid": Activation(sigmoid_forward, sigmoid_backward, "k"),
    "tanh": Activation(tanh_forward, tanh_backward),
}
