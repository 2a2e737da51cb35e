"""A dense layer of few outputs, such as one for each class, with its weights transposed: Wᵀ by
rows.

BLAS is made for matrices that are wide in both directions; ten columns fill a tenth of its blocks.
Here a vector is a piece of the inputs: OUTPUTS rows of Wᵀ are processed at once in registers. The
plain definition is in maths.py. Wᵀ is (outputs, stride) and flat, `stride` a multiple of 2 ·
REGISTER. Elements of a row beyond `inputs` are zero, and stay zero.
"""

import numpy as np

from mnistlab.runtime.compiler import generic_kernel
from mnistlab.runtime.elementary import fma
from mnistlab.runtime.gradient_action import act_on_gradient
from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.vectors import REGISTER, dot, load, spread, store

OUTPUTS = 5  # rows of Wᵀ processed at once; if fewer are left, some are repeated
WIDE = 2 * REGISTER  # inputs processed at once, if each has its own result


@generic_kernel
def multiply_add(
    x0: np.ndarray,
    x1: np.ndarray,
    W: np.ndarray,
    at: int,
    stride: int,
    sums: tuple[np.ndarray, ...],
    lanes: int,
) -> tuple[np.ndarray, ...]:
    """Add to `sums`, of two images by OUTPUTS rows, the products of a piece of each."""
    w0 = load(W, at, lanes)
    w1 = load(W, at + stride, lanes)
    w2 = load(W, at + 2 * stride, lanes)
    w3 = load(W, at + 3 * stride, lanes)
    w4 = load(W, at + 4 * stride, lanes)
    return (
        fma(x0, w0, sums[0]), fma(x0, w1, sums[1]), fma(x0, w2, sums[2]), fma(x0, w3, sums[3]),
        fma(x0, w4, sums[4]), fma(x1, w0, sums[5]), fma(x1, w1, sums[6]), fma(x1, w2, sums[7]),
        fma(x1, w3, sums[8]), fma(x1, w4, sums[9]),
    )  # fmt: skip


@kernel
def few_outputs_forward(
    x: np.ndarray, W: np.ndarray, stride: int, b: np.ndarray, y: np.ndarray
) -> None:
    """y = x W + b; x (batch, inputs), b (outputs,) or (0,) for none → y (batch, outputs).

    outputs ≥ OUTPUTS.
    """
    (images, inputs), outputs = x.shape, y.shape[1]
    values = x.reshape(-1)
    zero, one = spread(W.dtype.type(0), REGISTER), spread(W.dtype.type(1), REGISTER)
    whole = inputs // REGISTER * REGISTER
    for i in range(0, images, 2):
        other = min(i + 1, images - 1)
        for j in range(0, outputs, OUTPUTS):
            j = min(j, outputs - OUTPUTS)
            sums = (zero, zero, zero, zero, zero, zero, zero, zero, zero, zero)
            for k in range(0, whole, REGISTER):
                x0 = load(values, i * inputs + k, REGISTER)
                x1 = load(values, other * inputs + k, REGISTER)
                sums = multiply_add(x0, x1, W, j * stride + k, stride, sums, REGISTER)
            if whole < inputs:
                x0 = load(values, i * inputs + whole, REGISTER, inputs - whole)
                x1 = load(values, other * inputs + whole, REGISTER, inputs - whole)
                sums = multiply_add(x0, x1, W, j * stride + whole, stride, sums, REGISTER)
            y[i, j], y[i, j + 1] = dot(sums[0], one), dot(sums[1], one)
            y[i, j + 2], y[i, j + 3] = dot(sums[2], one), dot(sums[3], one)
            y[i, j + 4], y[other, j] = dot(sums[4], one), dot(sums[5], one)
            y[other, j + 1], y[other, j + 2] = dot(sums[6], one), dot(sums[7], one)
            y[other, j + 3], y[other, j + 4] = dot(sums[8], one), dot(sums[9], one)
        if b.size > 0:
            for j in range(outputs):
                y[i, j] += b[j]
                if other > i:
                    y[other, j] += b[j]


@generic_kernel
def send_down(
    dy: np.ndarray,
    images: int,
    outputs: int,
    j: int,
    repeated: int,
    W: np.ndarray,
    stride: int,
    dx: np.ndarray,
    inputs: int,
    k: int,
    count: int | None,
    lanes: int,
) -> None:
    """dx[:, k : k + lanes] from OUTPUTS rows of Wᵀ from j on, except the `repeated` ones; all flat.

    If j is 0 it is set, else added; only the first `count` lanes, unless it is None.
    """
    zero, one = spread(W.dtype.type(0), lanes), spread(W.dtype.type(1), lanes)
    at = j * stride + k
    w0 = load(W, at, lanes) if repeated < 1 else zero
    w1 = load(W, at + stride, lanes) if repeated < 2 else zero
    w2 = load(W, at + 2 * stride, lanes) if repeated < 3 else zero
    w3 = load(W, at + 3 * stride, lanes) if repeated < 4 else zero
    w4 = load(W, at + 4 * stride, lanes)
    for i in range(images):
        own, to = i * outputs + j, i * inputs + k
        total = zero
        if j > 0:
            total = fma(one, load(dx, to, lanes, count), zero)
        total = fma(spread(dy[own], lanes), w0, total)
        total = fma(spread(dy[own + 1], lanes), w1, total)
        total = fma(spread(dy[own + 2], lanes), w2, total)
        total = fma(spread(dy[own + 3], lanes), w3, total)
        total = fma(spread(dy[own + 4], lanes), w4, total)
        store(dx, to, total, count)


@kernel
def few_outputs_backward_input(dy: np.ndarray, W: np.ndarray, stride: int, dx: np.ndarray) -> None:
    """dx = dy Wᵀ; dy (batch, outputs) → dx (batch, inputs)."""
    (images, inputs), outputs = dx.shape, dy.shape[1]
    deltas, sent = dy.reshape(-1), dx.reshape(-1)
    for k in range(0, inputs, WIDE):
        for first in range(0, outputs, OUTPUTS):
            j = min(first, outputs - OUTPUTS)
            if k + WIDE <= inputs:
                send_down(
                    deltas, images, outputs, j, first - j, W, stride, sent, inputs, k, None, WIDE
                )
            else:
                send_down(
                    deltas, images, outputs, j, first - j, W, stride, sent, inputs, k, inputs - k,
                    WIDE,
                )  # fmt: skip


@kernel
def few_outputs_backward_weights(
    x: np.ndarray,
    dy: np.ndarray,
    first: int,
    last: int,
    use: int,
    W: np.ndarray,
    G: np.ndarray,
    stride: int,
    lr: float,
    momentum: float,
) -> None:
    """dW = xᵀ dy for the inputs [first, last), used at once: see `act_on_gradient`; G is as W.

    `first` is a multiple of WIDE, and so is `last`, except at the end.
    """
    (images, inputs), outputs = x.shape, dy.shape[1]
    values, deltas = x.reshape(-1), dy.reshape(-1)
    zero = spread(W.dtype.type(0), WIDE)
    for k in range(first, last, WIDE):
        for begin in range(0, outputs, OUTPUTS):
            j = min(begin, outputs - OUTPUTS)
            g0, g1, g2, g3, g4 = zero, zero, zero, zero, zero
            for i in range(images):
                if k + WIDE <= inputs:
                    row = load(values, i * inputs + k, WIDE)
                else:
                    row = load(values, i * inputs + k, WIDE, inputs - k)
                own = i * outputs + j
                g0 = fma(spread(deltas[own], WIDE), row, g0)
                g1 = fma(spread(deltas[own + 1], WIDE), row, g1)
                g2 = fma(spread(deltas[own + 2], WIDE), row, g2)
                g3 = fma(spread(deltas[own + 3], WIDE), row, g3)
                g4 = fma(spread(deltas[own + 4], WIDE), row, g4)
            at = j * stride + k
            # Skip the rows that the previous group has done.
            if j >= begin:
                act_on_gradient(use, g0, W, G, at, lr, momentum, WIDE)
            if j + 1 >= begin:
                act_on_gradient(use, g1, W, G, at + stride, lr, momentum, WIDE)
            if j + 2 >= begin:
                act_on_gradient(use, g2, W, G, at + 2 * stride, lr, momentum, WIDE)
            if j + 3 >= begin:
                act_on_gradient(use, g3, W, G, at + 3 * stride, lr, momentum, WIDE)
            act_on_gradient(use, g4, W, G, at + 4 * stride, lr, momentum, WIDE)
