"""A dense layer's products with sums in registers, for batches of up to a thousand rows.

BLAS copies both factors before it multiplies them, which a small batch does not repay. Here the
sums of ROWS images, or inputs, and some columns stay in registers. A block of columns is copied
where it serves many images. The plain definitions are in maths.py.
"""

import numpy as np

from mnistlab.runtime.actions import MOMENTUM, SGD
from mnistlab.runtime.compiler import generic_kernel
from mnistlab.runtime.elementary import fma
from mnistlab.runtime.gradient_action import act_on_gradient
from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.vectors import REGISTER, in_register, load, prefetch, spread, store

# 24 of AVX-512's 32 registers, or 12 of AVX2's 16, hold sums.
ROWS, REGISTERS = 6, 4 if REGISTER == 16 else 2
COLUMNS = REGISTERS * REGISTER  # of float32; half of them of float64
HALF = COLUMNS // 2
# The most images whose sums lie in L1 together: W is copied once for each group of them.
GROUP = (16 if REGISTER == 16 else 22) * ROWS
# The inputs of which rows of W are copied at a time, with the columns of up to TILES tiles. The
# rows of a large W are pages apart: the more of each is read at once, the better.
COPIED, TILES = 128, 4
INPUTS = 8 * ROWS  # the inputs of which the weights' gradient is computed at a time
SCRATCH = TILES * (GROUP + COPIED) * COLUMNS


@generic_kernel
def add_block(
    x: np.ndarray,
    begin: int,
    apart: int,
    step: int,
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

    x: the images begin at `begin` and are `apart`, their inputs are a `step` apart. W: the rows
    begin at `corner` and are `width` apart. The sums of ROWS images lie from `at` on, (ROWS ·
    lanes,). All are flat. If there are fewer images, the last one is used again for the missing
    ones.
    """
    x0 = np.uint64(begin)
    x1 = np.uint64(begin + min(1, rows - 1) * apart)
    x2 = np.uint64(begin + min(2, rows - 1) * apart)
    x3 = np.uint64(begin + min(3, rows - 1) * apart)
    x4 = np.uint64(begin + min(4, rows - 1) * apart)
    x5 = np.uint64(begin + min(5, rows - 1) * apart)
    s0, s1 = load(sums, at, lanes), load(sums, at + lanes, lanes)
    s2, s3 = load(sums, at + 2 * lanes, lanes), load(sums, at + 3 * lanes, lanes)
    s4, s5 = load(sums, at + 4 * lanes, lanes), load(sums, at + 5 * lanes, lanes)
    for number in range(size):
        w = load(W, np.uint64(corner) + np.uint64(number) * np.uint64(width), lanes)
        k = np.uint64(number) * np.uint64(step)
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
def column_of(first: int, tile: int, outputs: int, lanes: int) -> int:
    """The first column of a tile, counted from that at `first`; the last tile overlaps another."""
    return min(first + tile * lanes, outputs - lanes)


@generic_kernel
def forward_columns(
    x: np.ndarray,
    rows: int,
    W: np.ndarray,
    b: np.ndarray,
    y: np.ndarray,
    inputs: int,
    outputs: int,
    first: int,
    tiles: int,
    block: int,
    copies: bool,
    scratch: np.ndarray,
    lanes: int,
) -> None:
    """y = x W + b in tiles of `lanes` columns; the arguments are those of `forward`."""
    tiles = min(tiles, (outputs - first + lanes - 1) // lanes)
    sums, copy = scratch[: TILES * GROUP * lanes], scratch[TILES * GROUP * lanes :]
    groups = max(1, (rows + GROUP - 1) // GROUP)
    group = ((rows + groups - 1) // groups + ROWS - 1) // ROWS * ROWS
    for number in range(groups):
        begin = number * group
        count = min(group, rows - begin)
        for t in range(tiles):
            column = column_of(first, t, outputs, lanes)
            bias = load(b, column, lanes, b.size - column)
            for i in range((count + ROWS - 1) // ROWS * ROWS):
                store(sums, (t * group + i) * lanes, bias)
        for k in range(0, inputs, block):
            size = min(block, inputs - k)
            for row in range(size if copies else 0):
                for t in range(tiles):
                    corner = (k + row) * outputs + column_of(first, t, outputs, lanes)
                    store(copy, (t * block + row) * lanes, load(W, corner, lanes))
            for t in range(tiles):
                source, corner = (
                    t * block * lanes,
                    k * outputs + column_of(first, t, outputs, lanes),
                )
                for i in range(0, count, ROWS):
                    at, left, to = (begin + i) * inputs + k, count - i, (t * group + i) * lanes
                    if copies:
                        add_block(
                            x, at, inputs, 1, left, size, copy, source, lanes, sums, to, lanes
                        )
                    else:
                        add_block(x, at, inputs, 1, left, size, W, corner, outputs, sums, to, lanes)
        for t in range(tiles):
            column = column_of(first, t, outputs, lanes)
            for i in range(count):
                at = (begin + i) * outputs + column
                store(y, at, load(sums, (t * group + i) * lanes, lanes))


@generic_kernel
def columns_of_tile(values: np.ndarray) -> int:
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
    first: int,
    tiles: int,
    block: int,
    copies: bool,
    scratch: np.ndarray,
) -> None:
    """y = x W + b in `tiles` tiles of `columns_of_tile` columns from the column `first` on, or in
    those that there are; `tiles` ≤ TILES.

    `block` inputs are added at a time. With `copies`, their rows of W are copied first; there are
    at most COPIED of them.

    x (rows · inputs,), W (inputs · outputs,), b (outputs,) or (0,) for none, y (rows · outputs,),
    scratch (SCRATCH,), all flat; outputs ≥ COLUMNS.
    """
    if in_register(x) == REGISTER:
        forward_columns(
            x, rows, W, b, y, inputs, outputs, first, tiles, block, copies, scratch, COLUMNS
        )
    else:
        forward_columns(
            x, rows, W, b, y, inputs, outputs, first, tiles, block, copies, scratch, HALF
        )


@generic_kernel
def lay_out_columns(
    dy: np.ndarray, first: int, last: int, rows: int, outputs: int, columns: np.ndarray, lanes: int
) -> None:
    for column in range(0, outputs, lanes):
        for i in range(first, last):
            row = load(dy, i * outputs + column, lanes, outputs - column)
            store(columns, column * rows + i * lanes, row)


@kernel
def lay_out(
    dy: np.ndarray, first: int, last: int, rows: int, outputs: int, columns: np.ndarray
) -> None:
    """Copy the rows [first, last) of dy in the order that `backward_weights` reads.

    dy (rows · outputs,) → columns (rows · outputs rounded up,): `columns_of_tile` columns of all
    rows, then the next ones; columns that do not exist are zero.
    """
    if in_register(dy) == REGISTER:
        lay_out_columns(dy, first, last, rows, outputs, columns, COLUMNS)
    else:
        lay_out_columns(dy, first, last, rows, outputs, columns, HALF)


@generic_kernel
def add_gradients(
    x: np.ndarray,
    rows: int,
    inputs: int,
    outputs: int,
    first: int,
    last: int,
    columns: np.ndarray,
    action: int,
    W: np.ndarray,
    G: np.ndarray,
    lr: float,
    momentum: float,
    scratch: np.ndarray,
    lanes: int,
) -> None:
    """The arguments are those of `backward_weights`."""
    zero = spread(W.dtype.type(0), lanes)
    sums, block = scratch[: ROWS * lanes], scratch[ROWS * lanes :]
    for begin in range(first, last, INPUTS):
        size = min(INPUTS, last - begin)
        for i in range(rows):
            source, target = x[i * inputs + begin :][:size], block[i * INPUTS :][:size]
            for k in range(size):
                target[k] = source[k]
        for column in range(0, outputs, lanes):
            dy = columns[column * rows :]
            for k in range(0, size, ROWS):
                for i in range(ROWS):
                    store(sums, i * lanes, zero)
                    # The same rows' next columns, which are pages apart.
                    beside = min(W.size - 1, (begin + k + i) * outputs + column + lanes)
                    if action != SGD:
                        prefetch(G, beside)
                    if action in (SGD, MOMENTUM):
                        prefetch(W, beside)
                add_block(block, k, 1, INPUTS, size - k, rows, dy, 0, lanes, sums, 0, lanes)
                for i in range(min(ROWS, size - k)):
                    g, at = load(sums, i * lanes, lanes), (begin + k + i) * outputs + column
                    if column + lanes <= outputs:
                        act_on_gradient(action, g, W, G, at, lr, momentum, lanes)
                    else:
                        left = outputs - column
                        act_on_gradient(action, g, W, G, at, lr, momentum, lanes, left)


@kernel
def backward_weights(
    x: np.ndarray,
    rows: int,
    inputs: int,
    outputs: int,
    first: int,
    last: int,
    columns: np.ndarray,
    action: int,
    W: np.ndarray,
    G: np.ndarray,
    lr: float,
    momentum: float,
    scratch: np.ndarray,
) -> None:
    """The gradient dW = xᵀ dy of the inputs [first, last), and the `action` on it; see
    `act_on_gradient`.

    x (rows · inputs,), W and G (inputs · outputs,), columns as `lay_out` makes them, scratch
    (scratch_for(rows),), all flat.
    """
    if in_register(x) == REGISTER:
        add_gradients(
            x, rows, inputs, outputs, first, last, columns, action, W, G, lr, momentum, scratch,
            COLUMNS,
        )  # fmt: skip
    else:
        add_gradients(
            x, rows, inputs, outputs, first, last, columns, action, W, G, lr, momentum, scratch,
            HALF,
        )  # fmt: skip


def scratch_for(rows: int) -> int:
    """The elements of scratch that `backward_weights` needs."""
    return ROWS * COLUMNS + rows * INPUTS
