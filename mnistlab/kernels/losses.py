"""Softmax and the losses, each loss above its gradient.

`labels` (batch,) are the classes' numbers; t is their one-hot form (batch, classes). A loss fills
`losses` (batch,) in float64, one number a sample; its gradient is multiplied by `scale`, which is
1/batch for the mean over the batch and 1 for the sum.
"""

import numpy as np

from mnistlab.kernels.exponential import exp
from mnistlab.kernels.jit import kernel


@kernel
def softmax_forward(z: np.ndarray, y: np.ndarray) -> None:
    """yⱼ = exp(zⱼ − max z) / Σₖ exp(zₖ − max z); z, y (batch, classes).

    Without the row's maximum exp would overflow; with it the quotient is the same.
    """
    for i in range(z.shape[0]):
        logits, probabilities = z[i], y[i]
        largest = logits[0]
        for j in range(logits.size):
            largest = max(largest, logits[j])
        total = y.dtype.type(0)
        for j in range(logits.size):
            probabilities[j] = exp(logits[j] - largest)
            total += probabilities[j]
        for j in range(logits.size):
            probabilities[j] /= total


@kernel
def softmax_backward(y: np.ndarray, dy: np.ndarray, dz: np.ndarray) -> None:
    """dzⱼ = yⱼ (dyⱼ − Σₖ dyₖ yₖ): the whole Jacobian; y, dy, dz (batch, classes)."""
    for i in range(y.shape[0]):
        along = y.dtype.type(0)
        for j in range(y.shape[1]):
            along += dy[i, j] * y[i, j]
        for j in range(y.shape[1]):
            dz[i, j] = y[i, j] * (dy[i, j] - along)


@kernel
def cross_entropy_loss(z: np.ndarray, labels: np.ndarray, losses: np.ndarray) -> None:
    """lossᵢ = log Σₖ exp(zₖ) − z_label, z (batch, classes) the logits; finite for any."""
    for i in range(z.shape[0]):
        largest = z[i, 0]
        for j in range(z.shape[1]):
            largest = max(largest, z[i, j])
        total = np.float64(0)
        for j in range(z.shape[1]):
            total += exp(np.float64(z[i, j] - largest))
        losses[i] = np.log(total) + largest - z[i, labels[i]]


@kernel
def cross_entropy_backward(y: np.ndarray, labels: np.ndarray, scale: float, dz: np.ndarray) -> None:
    """dz = scale · (y − t), for y = softmax(z); y, dz (batch, classes)."""
    s = y.dtype.type(scale)
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            dz[i, j] = s * y[i, j]
        dz[i, labels[i]] -= s


@kernel
def binary_cross_entropy_loss(
    z: np.ndarray, k: float, labels: np.ndarray, losses: np.ndarray
) -> None:
    """lossᵢ = −Σⱼ [tⱼ log yⱼ + (1 − tⱼ) log(1 − yⱼ)], y = sigmoid(k z), from the logits z.

    With u = k z that is Σⱼ [max(u, 0) − u t + log(1 + exp(−|u|))], finite for any logits.
    """
    for i in range(z.shape[0]):
        total = np.float64(0)
        for j in range(z.shape[1]):
            u = k * np.float64(z[i, j])
            total += max(u, 0.0) + np.log1p(exp(-np.abs(u)))
            if j == labels[i]:
                total -= u
        losses[i] = total


@kernel
def binary_cross_entropy_backward(
    y: np.ndarray, k: float, labels: np.ndarray, scale: float, dz: np.ndarray
) -> None:
    """dz = scale · k (y − t), for y = sigmoid(k z); y, dz (batch, classes)."""
    s = y.dtype.type(scale * k)
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            dz[i, j] = s * y[i, j]
        dz[i, labels[i]] -= s


@kernel
def squared_error_loss(y: np.ndarray, labels: np.ndarray, losses: np.ndarray) -> None:
    """lossᵢ = ½ Σⱼ (yⱼ − tⱼ)²; y (batch, classes) is the network's output."""
    for i in range(y.shape[0]):
        total = np.float64(0)
        for j in range(y.shape[1]):
            error = np.float64(y[i, j]) - (1.0 if j == labels[i] else 0.0)
            total += error * error
        losses[i] = total / 2


@kernel
def squared_error_backward(y: np.ndarray, labels: np.ndarray, scale: float, dy: np.ndarray) -> None:
    """dy = scale · (y − t); y, dy (batch, classes)."""
    s = y.dtype.type(scale)
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            dy[i, j] = s * y[i, j]
        dy[i, labels[i]] -= s
