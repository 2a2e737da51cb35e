"""Dropout: in training each value is set to zero with a probability, and the others are scaled up.

Source: Srivastava et al. (2014), in its inverted form: evaluation is the identity.
"""

import numpy as np

from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.random import random32


@kernel
def dropout(
    x: np.ndarray, rate: float, key: int, other_key: int, first: int, y: np.ndarray
) -> None:
    """yᵢ = xᵢ / (1 − rate) with probability 1 − rate, else 0; x, y (n,).

    Whether xᵢ is kept depends on the keys and on first + i alone. The derivative is the same
    factor, so the backward pass is this function of dy with the keys of the forward pass.
    """
    zero, scale = x.dtype.type(0), x.dtype.type(1 / (1 - rate))
    limit = np.int64(rate * 2.0**32)
    for i in range(x.size):
        kept = random32(key, other_key, first + i) >= limit
        y[i] = x[i] * scale if kept else zero


@kernel
def dropout_backward_by_output(y: np.ndarray, dy: np.ndarray, rate: float, dx: np.ndarray) -> None:
    """dxᵢ = dyᵢ / (1 − rate) where yᵢ ≠ 0, else 0; y, dy, dx (n,).

    Only for an x whose zeros get no gradient, as behind a ReLU. It needs no random numbers.
    """
    zero, scale = y.dtype.type(0), y.dtype.type(1 / (1 - rate))
    for i in range(y.size):
        dx[i] = dy[i] * scale if y[i] != zero else zero
