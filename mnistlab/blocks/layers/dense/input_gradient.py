"""The gradient of a dense layer's inputs, with sums in registers, for batches of hundreds of rows.

An element is the product of a row of the outputs' gradient and a row of W. Both lie in memory as
they are read, so nothing is copied; BLAS copies both factors, which a small batch does not repay.
The plain definition is in maths.py.
"""

from typing import Any

import numpy as np

from mnistlab.runtime.compiler import generic_kernel
from mnistlab.runtime.elementary import fma
from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.vectors import REGISTER, in_register, load, spread, store, sums_of

# Their products' sums are in 12 registers: AVX2 has 16, and fewer than 8 would wait for each other.
IMAGES, INPUTS = 3, 4
HALF = REGISTER // 2
# The bytes of rows of W that are used for all images before the next ones: they stay in L2.
BLOCK_BYTES = 96 * 1024


@generic_kernel
def add_products(w: Any, x: Any, y: Any, z: Any, a: Any, b: Any, c: Any) -> tuple[Any, Any, Any]:
    """The sums a, b and c of three images, and the products of w with their x, y and z."""
    return fma(x, w, a), fma(y, w, b), fma(z, w, c)


@generic_kernel
def store_gradient(
    dy: np.ndarray,
    rows: int,
    W: np.ndarray,
    k: int,
    last: int,
    inputs: int,
    outputs: int,
    dx: np.ndarray,
    lanes: int,
) -> None:
    """The gradient of INPUTS inputs from k on, but of none from `last` on, for IMAGES images.

    The images are the first ones in dy and dx. If there are fewer images or inputs, the last one is
    used again for the missing ones, and not stored.
    """
    i0 = np.uint64(0)
    i1, i2 = np.uint64(min(1, rows - 1) * outputs), np.uint64(min(2, rows - 1) * outputs)
    k0, k1 = np.uint64(k * outputs), np.uint64(min(k + 1, last - 1) * outputs)
    k2, k3 = np.uint64(min(k + 2, last - 1) * outputs), np.uint64(min(k + 3, last - 1) * outputs)
    zero = spread(W.dtype.type(0), lanes)
    whole = outputs // lanes * lanes
    # First the outputs behind the last whole register, perhaps none.
    j, left = np.uint64(whole), outputs - whole
    x, y = load(dy, i0 + j, lanes, left), load(dy, i1 + j, lanes, left)
    z = load(dy, i2 + j, lanes, left)
    a0, b0, c0 = add_products(load(W, k0 + j, lanes, left), x, y, z, zero, zero, zero)
    a1, b1, c1 = add_products(load(W, k1 + j, lanes, left), x, y, z, zero, zero, zero)
    a2, b2, c2 = add_products(load(W, k2 + j, lanes, left), x, y, z, zero, zero, zero)
    a3, b3, c3 = add_products(load(W, k3 + j, lanes, left), x, y, z, zero, zero, zero)
    for number in range(0, whole, lanes):
        j = np.uint64(number)
        x, y, z = load(dy, i0 + j, lanes), load(dy, i1 + j, lanes), load(dy, i2 + j, lanes)
        a0, b0, c0 = add_products(load(W, k0 + j, lanes), x, y, z, a0, b0, c0)
        a1, b1, c1 = add_products(load(W, k1 + j, lanes), x, y, z, a1, b1, c1)
        a2, b2, c2 = add_products(load(W, k2 + j, lanes), x, y, z, a2, b2, c2)
        a3, b3, c3 = add_products(load(W, k3 + j, lanes), x, y, z, a3, b3, c3)
    store(dx, k, sums_of(a0, a1, a2, a3), last - k)
    if rows > 1:
        store(dx, inputs + k, sums_of(b0, b1, b2, b3), last - k)
    if rows > 2:
        store(dx, 2 * inputs + k, sums_of(c0, c1, c2, c3), last - k)


@generic_kernel
def store_gradients(
    dy: np.ndarray,
    rows: int,
    W: np.ndarray,
    first: int,
    last: int,
    inputs: int,
    outputs: int,
    dx: np.ndarray,
    lanes: int,
) -> None:
    """The arguments are those of `backward_input`."""
    block = max(1, BLOCK_BYTES // (INPUTS * outputs * W.itemsize)) * INPUTS
    for begin in range(first, last, block):
        end = min(last, begin + block)
        for i in range(0, rows, IMAGES):
            of, to = dy[i * outputs :], dx[i * inputs :]
            for k in range(begin, end, INPUTS):
                store_gradient(of, rows - i, W, k, end, inputs, outputs, to, lanes)


@kernel
def backward_input(
    dy: np.ndarray,
    rows: int,
    W: np.ndarray,
    first: int,
    last: int,
    inputs: int,
    outputs: int,
    dx: np.ndarray,
) -> None:
    """dx = dy Wᵀ for the inputs [first, last) of `rows` images.

    dy (rows · outputs,), W (inputs · outputs,), dx (rows · inputs,), all flat.
    """
    if in_register(dy) == REGISTER:
        store_gradients(dy, rows, W, first, last, inputs, outputs, dx, REGISTER)
    else:
        store_gradients(dy, rows, W, first, last, inputs, outputs, dx, HALF)
