"""L1 and L2 penalties on a tensor's elements W (n,), and the three ways in which they act."""

import numpy as np

from mnistlab.kernels.jit import kernel


def penalty(W: np.ndarray, l1: float, l2: float) -> float:
    """l1 · Σ|W| + l2 · ΣW², summed in float64."""
    wide = W.astype(np.float64, copy=False)
    return float(l1 * np.abs(wide).sum() + l2 * np.square(wide).sum())


@kernel
def penalty_gradient(W: np.ndarray, l1: float, l2: float, dW: np.ndarray) -> None:
    """dW ← dW + l1 · sign(W) + 2 · l2 · W, with sign(0) = 0."""
    a, b = W.dtype.type(l1), W.dtype.type(2 * l2)
    for i in range(W.size):
        dW[i] += a * np.sign(W[i]) + b * W[i]


@kernel
def penalty_step(W: np.ndarray, l1: float, l2: float, taken: np.ndarray) -> None:
    """taken = l1 · sign(W) + l2 · W: what a step takes off besides, from the weights before it."""
    a, b = W.dtype.type(l1), W.dtype.type(l2)
    for i in range(W.size):
        taken[i] = a * np.sign(W[i]) + b * W[i]


@kernel
def penalty_descent(W: np.ndarray, l1: float, l2: float) -> None:
    """W ← W − l1 · sign(W) − l2 · W."""
    a, b = W.dtype.type(l1), W.dtype.type(l2)
    for i in range(W.size):
        W[i] -= a * np.sign(W[i]) + b * W[i]


@kernel
def soft_threshold(W: np.ndarray, threshold: float) -> None:
    """W ← sign(W) · max(|W| − threshold, 0): the proximal step of L1, which makes exact zeros.

    Source: Parikh and Boyd, Proximal Algorithms (2014), section 6.5.2.
    """
    zero, t = W.dtype.type(0), W.dtype.type(threshold)
    for i in range(W.size):
        shrunk = np.abs(W[i]) - t
        W[i] = zero if shrunk < zero else np.sign(W[i]) * shrunk
