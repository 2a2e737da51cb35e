"""A dense layer's forward pass with sums in registers, for batches of up to some hundred rows.

BLAS copies both factors before it multiplies them, which a small batch does not repay. Here the
sums of ROWS images and some columns of W stay in registers while a block of inputs is added, and
nothing is copied. The plain definition is in maths.py.
"""

import numpy as np

from mnistlab.runtime.compiler import generic_kernel
from mnistlab.runtime.elementary import fma
from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.vectors import REGISTER, in_register, load, spread, store

# 24 of AVX-512's 32 registers, or 12 of AVX2's 16, hold sums.
ROWS, REGISTERS = 6, 4 if REGISTER == 16 else 2
COLUMNS = REGISTERS * REGISTER  # of float32; half of them of float64
HALF = COLUMNS // 2
GROUP = 16 * ROWS
SCRATCH = GROUP * COLUMNS


@generic_kernel
def add_block(
    x: np.ndarray,
    begin: int,
    stride: int,
    rows: int,
    size: int,
    W: np.ndarray,
    corner: int,
    width: int,
    sums: np.ndarray,
    at: int,
    lanes: int,
) -> None:
    """sums ← sums + x W for `size` inputs of `rows` images, and `lanes` columns of W.

    x: the images begin at `begin` and are `stride` apart. W: the rows begin at `corner` and are
    `width` apart. The sums of ROWS images lie from `at` on, (ROWS · lanes,). All are flat. If there
    are fewer images, the last one is used again for the missing ones.
    """
    x0 = np.uint64(begin)
    x1 = np.uint64(begin + min(1, rows - 1) * stride)
    x2 = np.uint64(begin + min(2, rows - 1) * stride)
    x3 = np.uint64(begin + min(3, rows - 1) * stride)
    x4 = np.uint64(begin + min(4, rows - 1) * stride)
    x5 = np.uint64(begin + min(5, rows - 1) * stride)
    s0, s1 = load(sums, at, lanes), load(sums, at + lanes, lanes)
    s2, s3 = load(sums, at + 2 * lanes, lanes), load(sums, at + 3 * lanes, lanes)
    s4, s5 = load(sums, at + 4 * lanes, lanes), load(sums, at + 5 * lanes, lanes)
    for number in range(size):
        k = np.uint64(number)
        w = load(W, np.uint64(corner) + k * np.uint64(width), lanes)
        s0 = fma(spread(x[x0 + k], lanes), w, s0)
        s1 = fma(spread(x[x1 + k], lanes), w, s1)
        s2 = fma(spread(x[x2 + k], lanes), w, s2)
        s3 = fma(spread(x[x3 + k], lanes), w, s3)
        s4 = fma(spread(x[x4 + k], lanes), w, s4)
        s5 = fma(spread(x[x5 + k], lanes), w, s5)
    store(sums, at, s0)
    store(sums, at + lanes, s1)
    store(sums, at + 2 * lanes, s2)
    store(sums, at + 3 * lanes, s3)
    store(sums, at + 4 * lanes, s4)
    store(sums, at + 5 * lanes, s5)


@generic_kernel
def forward_columns(
    x: np.ndarray,
    rows: int,
    W: np.ndarray,
    b: np.ndarray,
    y: np.ndarray,
    inputs: int,
    outputs: int,
    column: int,
    block: int,
    sums: np.ndarray,
    lanes: int,
) -> None:
    """y = x W + b in `lanes` columns; the arguments are those of `forward`."""
    column = min(column, outputs - lanes)
    bias = load(b, column, lanes, b.size - column)
    for first in range(0, rows, GROUP):
        count = min(GROUP, rows - first)
        for i in range((count + ROWS - 1) // ROWS * ROWS):
            store(sums, i * lanes, bias)
        for k in range(0, inputs, block):
            size, corner = min(block, inputs - k), k * outputs + column
            for i in range(0, count, ROWS):
                begin = (first + i) * inputs + k
                add_block(
                    x, begin, inputs, count - i, size, W, corner, outputs, sums, i * lanes, lanes
                )
        for i in range(count):
            store(y, (first + i) * outputs + column, load(sums, i * lanes, lanes))


@generic_kernel
def columns_at_once(values: np.ndarray) -> int:
    """The columns of W that are multiplied at once, for numbers of this dtype."""
    return REGISTERS * in_register(values)


@kernel
def forward(
    x: np.ndarray,
    rows: int,
    W: np.ndarray,
    b: np.ndarray,
    y: np.ndarray,
    inputs: int,
    outputs: int,
    column: int,
    block: int,
    sums: np.ndarray,
) -> None:
    """y = x W + b in the `columns_at_once` columns from `column` on, or in the last so many.

    `block` inputs are added at a time.

    x (rows · inputs,), W (inputs · outputs,), b (outputs,) or (0,) for none, y (rows · outputs,),
    sums (SCRATCH,), all flat; outputs ≥ COLUMNS.
    """
    if in_register(x) == REGISTER:
        forward_columns(x, rows, W, b, y, inputs, outputs, column, block, sums, COLUMNS)
    else:
        forward_columns(x, rows, W, b, y, inputs, outputs, column, block, sums, HALF)
