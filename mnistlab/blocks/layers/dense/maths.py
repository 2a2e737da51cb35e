"""The dense (fully connected) layer."""

import numpy as np

from mnistlab.runtime.blas import gemm
from mnistlab.runtime.kernel import kernel


@kernel
def dense_forward(x: np.ndarray, W: np.ndarray, b: np.ndarray, y: np.ndarray) -> None:
    """y = x W + b.

    x (batch, fan_in), W (fan_in, fan_out), b (fan_out,) or (0,) for none → y (batch, fan_out).
    """
    gemm(1.0, x, False, W, False, 0.0, y)
    if b.size > 0:
        for i in range(y.shape[0]):
            row = y[i]
            for j in range(row.size):
                row[j] += b[j]


@kernel
def bias_gradient(dy: np.ndarray, db: np.ndarray, keep: float) -> None:
    """db ← keep · db + Σᵢ dyᵢ; dy (batch, fan_out), db (fan_out,) or (0,) for none."""
    for j in range(db.size):
        db[j] = db[j] * db.dtype.type(keep) if keep != 0 else 0
    if db.size > 0:
        for i in range(dy.shape[0]):
            row = dy[i]
            for j in range(row.size):
                db[j] += row[j]


@kernel
def dense_backward_weights(
    x: np.ndarray, dy: np.ndarray, dW: np.ndarray, db: np.ndarray, keep: float = 0.0
) -> None:
    """dW ← keep · dW + xᵀ dy, db ← keep · db + Σᵢ dyᵢ: the gradients of the layer's parameters.

    x (batch, fan_in), dy (batch, fan_out) → dW (fan_in, fan_out), db (fan_out,) or (0,) for none.
    """
    gemm(1.0, x, True, dy, False, keep, dW)
    bias_gradient(dy, db, keep)


@kernel
def dense_backward_input(dy: np.ndarray, W: np.ndarray, dx: np.ndarray) -> None:
    """dx = dy Wᵀ: the gradient with respect to the inputs.

    dy (batch, fan_out), W (fan_in, fan_out) → dx (batch, fan_in).
    """
    gemm(1.0, dy, False, W, True, 0.0, dx)
