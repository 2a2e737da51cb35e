"""A dense layer behind a ReLU: inputs that are zero are skipped, forward and backward.

After a convolution and a ReLU four fifths of the values may be zero. What lit_pixels.py does for
images is done here for a block of inputs: those that are not zero are listed, and each row of the
weights is read once for all images. The plain definition is dense.py's.
"""

import numpy as np

from mnistlab.kernels.gradient_use import use_gradient
from mnistlab.kernels.jit import generic_kernel, kernel
from mnistlab.kernels.lit_pixels import WORD, sort_by_count
from mnistlab.kernels.vectors import dot, fma, load, lowest_bit, set_bits, spread, store


@kernel
def list_inputs(
    x: np.ndarray,
    stride: int,
    images: int,
    numbers: np.ndarray,
    starts: np.ndarray,
    free: np.ndarray,
    rows: np.ndarray,
    values: np.ndarray,
) -> None:
    """List what is not zero in a block of inputs, as `list_lit_pixels` does for pixels.

    x: numbers.size inputs of each of `images` ≤ 64 rows that are `stride` apart, flat. Input
    numbers[q] (counted within the block) is values[starts[q]:starts[q+1]] in the images `rows`.
    The arrays have the sizes that they have there.
    """
    size = numbers.size
    for k in range(size):
        free[k] = 0
    for i in range(images):
        row = x[i * stride :]
        for k in range(size):
            free[k] += row[k] != 0
    sort_by_count(free, 0, size, images, starts, numbers)
    start = np.uint32(0)
    for q in range(size):
        k = numbers[q]
        starts[q] = start
        start += free[k]
        free[k] = starts[q]
    starts[size] = start
    for i in range(images):
        row = x[i * stride :]
        for first in range(0, size, WORD):
            bits = set_bits(row, first, min(WORD, size - first))
            while bits != 0:
                k = np.uint64(first) + lowest_bit(bits)
                bits &= bits - np.uint64(1)
                at = free[k]
                rows[at] = i
                values[at] = row[k]
                free[k] = at + np.uint32(1)


@generic_kernel
def sparse_forward(
    numbers: np.ndarray,
    starts: np.ndarray,
    rows: np.ndarray,
    values: np.ndarray,
    W: np.ndarray,
    width: int,
    tile: np.ndarray,
    lanes: int,
) -> None:
    """tile ← tile + x W for a block; W (numbers.size · width,), tile (images · lanes,), flat."""
    for q in range(numbers.size):
        if starts[q] == starts[q + 1]:
            break
        w = load(W, np.uint64(numbers[q]) * np.uint64(width), lanes, width)
        for p in range(starts[q], starts[q + 1]):
            at = np.uint64(rows[p]) * np.uint64(lanes)
            store(tile, at, fma(spread(values[p], lanes), w, load(tile, at, lanes)))


@generic_kernel
def sparse_backward(
    numbers: np.ndarray,
    starts: np.ndarray,
    rows: np.ndarray,
    values: np.ndarray,
    images: int,
    tile: np.ndarray,
    use: int,
    W: np.ndarray,
    G: np.ndarray,
    width: int,
    lr: float,
    momentum: float,
    dx: np.ndarray,
    stride: int,
    lanes: int,
) -> None:
    """dx = dy Wᵀ where x is not zero, else 0; then dW = xᵀ dy, put to use at once.

    Where a ReLU left a zero, what is sent down stops there: it need not be known. W, G: the weights
    of the block of inputs (numbers.size · width,); tile: dy, (images · lanes,); dx: numbers.size
    elements of each of `images` rows that are `stride` apart; all flat.
    """
    zero = spread(W.dtype.type(0), lanes)
    for i in range(images):
        row = dx[i * stride :]
        for k in range(numbers.size):
            row[k] = 0
    for q in range(numbers.size):
        at = np.uint64(numbers[q])
        w = load(W, at * np.uint64(width), lanes, width)
        g = zero
        for p in range(starts[q], starts[q + 1]):
            image = np.uint64(rows[p])
            d = load(tile, image * np.uint64(lanes), lanes)
            g = fma(spread(values[p], lanes), d, g)
            dx[image * np.uint64(stride) + at] = dot(d, w)
        use_gradient(use, g, W, G, at * np.uint64(width), width, lr, momentum, lanes)
