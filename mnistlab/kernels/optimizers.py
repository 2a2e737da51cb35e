"""Optimizers: each is one update of a tensor's elements W (n,) by their gradient dW (n,).

The state (velocity, moments) is an array (n,) beside W, zero before the first step. Hyperparameters
come in float64 and are rounded once to the tensor's dtype.
"""

import numpy as np

from mnistlab.kernels.jit import kernel


@kernel
def sgd_update(W: np.ndarray, dW: np.ndarray, lr: float) -> None:
    """W ← W − lr · dW."""
    rate = W.dtype.type(lr)
    for i in range(W.size):
        W[i] -= rate * dW[i]


@kernel
def momentum_update(
    W: np.ndarray, dW: np.ndarray, velocity: np.ndarray, lr: float, momentum: float, nesterov: bool
) -> None:
    """v ← momentum · v + dW; W ← W − lr · v, or with Nesterov W ← W − lr · (dW + momentum · v).

    Source: Sutskever et al., On the importance of initialization and momentum (2013), as PyTorch.
    """
    rate, mu = W.dtype.type(lr), W.dtype.type(momentum)
    if nesterov:
        for i in range(W.size):
            velocity[i] = mu * velocity[i] + dW[i]
            W[i] -= rate * (dW[i] + mu * velocity[i])
    else:
        for i in range(W.size):
            velocity[i] = mu * velocity[i] + dW[i]
            W[i] -= rate * velocity[i]


@kernel
def momentum_step_update(
    W: np.ndarray, dW: np.ndarray, velocity: np.ndarray, lr: float, momentum: float, nesterov: bool
) -> None:
    """v ← momentum · v + lr · dW; W ← W − v, or with Nesterov W ← W − (lr · dW + momentum · v).

    The velocity holds the learning rate, unlike `momentum_update`'s, once the rate changes.
    """
    rate, mu = W.dtype.type(lr), W.dtype.type(momentum)
    if nesterov:
        for i in range(W.size):
            velocity[i] = mu * velocity[i] + rate * dW[i]
            W[i] -= rate * dW[i] + mu * velocity[i]
    else:
        for i in range(W.size):
            velocity[i] = mu * velocity[i] + rate * dW[i]
            W[i] -= velocity[i]


@kernel
def adam_update(
    W: np.ndarray,
    dW: np.ndarray,
    m: np.ndarray,
    v: np.ndarray,
    lr: float,
    beta1: float,
    beta2: float,
    epsilon: float,
    t: int,
) -> None:
    """m ← β₁ m + (1 − β₁) dW; v ← β₂ v + (1 − β₂) dW²; W ← W − lr · m̂ / (√v̂ + ε).

    m̂ = m / (1 − β₁ᵗ) and v̂ = v / (1 − β₂ᵗ) at step t = 1, 2, …
    Source: Kingma and Ba, Adam (2015), algorithm 1.
    """
    T = W.dtype.type
    keep1, take1, keep2, take2 = T(beta1), T(1 - beta1), T(beta2), T(1 - beta2)
    unbias1, unbias2 = T(1 / (1 - beta1**t)), T(1 / (1 - beta2**t))
    rate, floor = T(lr), T(epsilon)
    for i in range(W.size):
        m[i] = keep1 * m[i] + take1 * dW[i]
        v[i] = keep2 * v[i] + take2 * dW[i] * dW[i]
        W[i] -= rate * (m[i] * unbias1) / (np.sqrt(v[i] * unbias2) + floor)


@kernel
def weight_decay(W: np.ndarray, lr: float, decay: float) -> None:
    """W ← W − lr · decay · W, before Adam's own step: together they are AdamW.

    Source: Loshchilov and Hutter, Decoupled Weight Decay Regularization (2019), algorithm 2.
    """
    share = W.dtype.type(lr * decay)
    for i in range(W.size):
        W[i] -= share * W[i]


@kernel
def rmsprop_update(
    W: np.ndarray, dW: np.ndarray, s: np.ndarray, lr: float, alpha: float, epsilon: float
) -> None:
    """s ← α s + (1 − α) dW²; W ← W − lr · dW / (√s + ε).

    Source: Tieleman and Hinton, Neural Networks for Machine Learning, lecture 6.5 (2012).
    """
    T = W.dtype.type
    keep, take, rate, floor = T(alpha), T(1 - alpha), T(lr), T(epsilon)
    for i in range(W.size):
        s[i] = keep * s[i] + take * dW[i] * dW[i]
        W[i] -= rate * dW[i] / (np.sqrt(s[i]) + floor)
