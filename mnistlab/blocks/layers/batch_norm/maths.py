"""Batch normalisation: each channel over the whole batch, in plain loops.

x, y, dx, dy (images, channels, positions): a dense layer's units are channels of one position.
Everything is computed in float64, channel by channel, in the order of the images, so the division
of the channels changes no bit. `statistics` (4, channels) is kept for the backward pass: for each
channel the mean, its rounding error, the variance, and 1/√(variance + ε). In float32 a mean of 1000
alone would be off by 3e-5, which is much for values that differ by 1e-2.
"""

import numpy as np

from mnistlab.runtime.kernel import kernel

STATISTICS = 4
MEAN, REST, VARIANCE, INVERSE = range(STATISTICS)


@kernel
def channel_sums(x: np.ndarray, c: int, mean: float) -> tuple[float, float]:
    """Σ x and Σ (x − mean)² over the images and positions of channel c."""
    total, squares = np.float64(0), np.float64(0)
    for i in range(x.shape[0]):
        for p in range(x.shape[2]):
            value = np.float64(x[i, c, p])
            total += value
            squares += (value - mean) * (value - mean)
    return total, squares


@kernel
def batch_statistics(x: np.ndarray, epsilon: float, statistics: np.ndarray) -> None:
    """Each channel's mean, then the mean squared difference from that mean."""
    n = x.shape[0] * x.shape[2]
    for c in range(x.shape[1]):
        mean = channel_sums(x, c, 0.0)[0] / n
        variance = channel_sums(x, c, mean)[1] / n
        statistics[MEAN, c] = mean
        statistics[REST, c] = mean - np.float64(statistics[MEAN, c])
        statistics[VARIANCE, c] = variance
        statistics[INVERSE, c] = 1 / np.sqrt(variance + epsilon)


@kernel
def normalised(x: float, statistics: np.ndarray, c: int) -> float:
    """x̂ = (x − mean) / √(variance + ε), of a value of channel c."""
    mean = np.float64(statistics[MEAN, c]) + np.float64(statistics[REST, c])
    return (np.float64(x) - mean) * np.float64(statistics[INVERSE, c])


@kernel
def batch_norm_forward(
    x: np.ndarray, scale: np.ndarray, shift: np.ndarray, statistics: np.ndarray, y: np.ndarray
) -> None:
    """y = scale · x̂ + shift; scale, shift (channels,)."""
    for i in range(x.shape[0]):
        for c in range(x.shape[1]):
            for p in range(x.shape[2]):
                y[i, c, p] = scale[c] * normalised(x[i, c, p], statistics, c) + shift[c]


@kernel
def batch_norm_backward_weights(
    x: np.ndarray, dy: np.ndarray, statistics: np.ndarray, dscale: np.ndarray, dshift: np.ndarray
) -> None:
    """dscale = Σ dy x̂, dshift = Σ dy."""
    for c in range(x.shape[1]):
        by_scale, by_shift = np.float64(0), np.float64(0)
        for i in range(x.shape[0]):
            for p in range(x.shape[2]):
                by_scale += dy[i, c, p] * normalised(x[i, c, p], statistics, c)
                by_shift += dy[i, c, p]
        dscale[c], dshift[c] = by_scale, by_shift


@kernel
def batch_norm_backward_input(
    x: np.ndarray,
    dy: np.ndarray,
    statistics: np.ndarray,
    scale: np.ndarray,
    dscale: np.ndarray,
    dshift: np.ndarray,
    dx: np.ndarray,
) -> None:
    """dx = scale / √(variance + ε) · (dy − dshift / n − x̂ · dscale / n), for n values
    per channel.
    """
    n = np.float64(x.shape[0] * x.shape[2])
    for i in range(x.shape[0]):
        for c in range(x.shape[1]):
            factor = np.float64(scale[c]) * statistics[INVERSE, c]
            by_shift, by_scale = dshift[c] / n, dscale[c] / n
            for p in range(x.shape[2]):
                along = normalised(x[i, c, p], statistics, c) * by_scale
                dx[i, c, p] = factor * (dy[i, c, p] - by_shift - along)


@kernel
def update_running(
    statistics: np.ndarray, n: int, momentum: float, mean: np.ndarray, variance: np.ndarray
) -> None:
    """mean ← momentum · mean + (1 − momentum) · the batch's, likewise the variance; (channels,).

    The batch's variance is the unbiased one here, over n − 1 instead of n, as an estimate for all
    images. Source: Ioffe and Szegedy (2015), algorithm 2; as in PyTorch.
    """
    T = mean.dtype.type
    kept, new = T(momentum), T(1 - momentum)
    unbiased = T(n / (n - 1))
    for c in range(mean.size):
        mean[c] = kept * mean[c] + new * statistics[MEAN, c]
        variance[c] = kept * variance[c] + new * (statistics[VARIANCE, c] * unbiased)


@kernel
def running_factors(
    scale: np.ndarray, variance: np.ndarray, epsilon: float, factor: np.ndarray
) -> None:
    """factor = scale / √(variance + ε), of the running variance; all (channels,)."""
    for c in range(scale.size):
        factor[c] = scale[c] / np.sqrt(np.float64(variance[c]) + epsilon)


@kernel
def running_forward(
    x: np.ndarray,
    scale: np.ndarray,
    shift: np.ndarray,
    mean: np.ndarray,
    variance: np.ndarray,
    epsilon: float,
    y: np.ndarray,
) -> None:
    """In evaluation: y = scale · (x − mean) / √(variance + ε) + shift, by the running statistics.

    mean, variance (channels,).
    """
    for c in range(x.shape[1]):
        factor = x.dtype.type(scale[c] / np.sqrt(np.float64(variance[c]) + epsilon))
        for i in range(x.shape[0]):
            for p in range(x.shape[2]):
                y[i, c, p] = (x[i, c, p] - mean[c]) * factor + shift[c]


@kernel
def running_backward_input(
    dy: np.ndarray, scale: np.ndarray, variance: np.ndarray, epsilon: float, dx: np.ndarray
) -> None:
    """In evaluation: dx = dy · scale / √(variance + ε)."""
    for c in range(dy.shape[1]):
        factor = dy.dtype.type(scale[c] / np.sqrt(np.float64(variance[c]) + epsilon))
        for i in range(dy.shape[0]):
            for p in range(dy.shape[2]):
                dx[i, c, p] = dy[i, c, p] * factor
