"""L1 and L2 penalties on a tensor's elements W (n,), the three modes in which they act; max-norm.

A penalty's step is often less than the spacing of float32 numbers. With `dither`, see
runtime/dither.py, it is taken exactly in the mean.
"""

from typing import Any

import numpy as np

from mnistlab.runtime.dither import NONE, step_down
from mnistlab.runtime.kernel import kernel


def penalty(W: np.ndarray, l1: float, l2: float) -> float:
    """l1 · Σ|W| + l2 · ΣW², summed in float64; infinite if it overflows.

    A term whose factor is 0 is 0, whatever the weights.
    """
    wide = W.astype(np.float64, copy=False)
    with np.errstate(over="ignore"):
        absolute = l1 * float(np.abs(wide).sum()) if l1 > 0 else 0.0
        square = l2 * float(np.square(wide).sum()) if l2 > 0 else 0.0
    return absolute + square


@kernel
def signed(size: Any, w: Any) -> Any:
    """size · sign(w), with sign(0) = 0: two instructions; np.sign and a product take six."""
    return w if w == 0 else np.copysign(size, w)


@kernel
def penalty_gradient(
    W: np.ndarray, l1: float, l2: float, dW: np.ndarray, dither: int = NONE
) -> None:
    """dW ← dW + l1 · sign(W) + 2 · l2 · W, with sign(0) = 0."""
    a, b = W.dtype.type(l1), W.dtype.type(2 * l2)
    for i in range(W.size):
        dW[i] = step_down(dW[i], -(signed(a, W[i]) + b * W[i]), dither, i)


@kernel
def penalty_step(W: np.ndarray, l1: float, l2: float, taken: np.ndarray) -> None:
    """taken = l1 · sign(W) + l2 · W: the penalty's own step, from the weights before the step."""
    a, b = W.dtype.type(l1), W.dtype.type(l2)
    for i in range(W.size):
        taken[i] = signed(a, W[i]) + b * W[i]


@kernel
def penalty_descent(W: np.ndarray, l1: float, l2: float, dither: int = NONE) -> None:
    """W ← W − l1 · sign(W) − l2 · W."""
    a, b = W.dtype.type(l1), W.dtype.type(l2)
    if l1 == 0 and dither != NONE:  # as fast with dither as the other branch without
        for i in range(W.size):
            W[i] = step_down(W[i], b * W[i], dither, i)
    elif l2 == 0 and dither != NONE:
        for i in range(W.size):
            W[i] = step_down(W[i], signed(a, W[i]), dither, i)
    else:
        for i in range(W.size):
            W[i] = step_down(W[i], signed(a, W[i]) + b * W[i], dither, i)


@kernel
def soft_threshold(W: np.ndarray, threshold: float, dither: int = NONE) -> None:
    """W ← sign(W) · max(|W| − threshold, 0): the proximal step of L1, which makes exact zeros.

    Source: Parikh and Boyd, Proximal Algorithms (2014), section 6.5.2.
    """
    zero, one, t = W.dtype.type(0), W.dtype.type(1), W.dtype.type(threshold)
    for i in range(W.size):
        size = np.abs(W[i])
        W[i] = zero if size <= t else np.copysign(one, W[i]) * step_down(size, t, dither, i)


@kernel
def norm_factor(square: float, bound: float) -> float:
    """What scales a unit's weights down to the norm `bound`; 1 where theirs is not larger.

    `square` is their sum of squares. One that overflows scales nothing: the run is to diverge.
    """
    norm = np.sqrt(np.float64(square))
    return bound / norm if bound < norm < np.inf else 1.0


@kernel
def limit_columns(
    W: np.ndarray,
    inputs: int,
    tile: int,
    block: int,
    first: int,
    units: int,
    bound: float,
    factors: np.ndarray,
) -> None:
    """w ← w · min(1, bound / ‖w‖) of each unit's incoming weights w: columns of one tile.

    Of the units [first, first + units). W (inputs · width,) is flat: blocks of `block` inputs, in
    each the tiles, in each a row of `tile` weights for each input. factors (units,): scratch.
    Source: Srivastava et al., Dropout (2014), section 5.1.
    """
    T, larger, width = W.dtype.type, False, W.size // inputs
    column, begin = first // tile * tile, first % tile
    for j in range(units):
        factors[j] = 0
    for k in range(0, inputs, block):
        rows = min(block, inputs - k)
        for i in range(rows):
            row = W[k * width + column * rows + i * tile + begin :][:units]
            for j in range(units):
                factors[j] += row[j] * row[j]
    for j in range(units):
        factors[j] = T(norm_factor(factors[j], bound))
        larger = larger or factors[j] != 1
    if larger:
        for k in range(0, inputs, block):
            rows = min(block, inputs - k)
            for i in range(rows):
                row = W[k * width + column * rows + i * tile + begin :][:units]
                for j in range(units):
                    row[j] *= factors[j]


@kernel
def limit_rows(W: np.ndarray, inputs: int, bound: float) -> None:
    """`limit_columns` of weights that lie unit by unit: W (units · inputs,)."""
    for unit in range(W.size // inputs):
        row = W[unit * inputs :][:inputs]
        square = W.dtype.type(0)
        for k in range(inputs):
            square += row[k] * row[k]
        factor = W.dtype.type(norm_factor(square, bound))
        if factor != 1:
            for k in range(inputs):
                row[k] *= factor
