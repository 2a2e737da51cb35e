"""A dense layer behind a ReLU or dropout: zero inputs are skipped, forward and backward.

After a ReLU at least half of the values are zero, after dropout of a half another half. Inputs are
processed in blocks: a bit for each input of each row says whether it is not zero. The forward pass
goes by images, the backward pass by inputs, so that each row of the weights is read once for all
images, as in sparse_input.py. The plain definition is in maths.py.
"""

import numpy as np

from mnistlab.runtime.compiler import generic_kernel
from mnistlab.runtime.elementary import fma
from mnistlab.runtime.gradient_action import act_on_gradient
from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.vectors import dot, load, lowest_bit, set_bits, spread, store

BLOCK = 64  # inputs, and the largest number of images: the bits of a word


@kernel
def find_inputs(x: np.ndarray, stride: int, images: int, size: int, bits: np.ndarray) -> None:
    """bits[i], uint64: bit k is set if input k of image i is not zero; none for missing images.

    x: `size` ≤ BLOCK inputs of each of `images` ≤ BLOCK rows that are `stride` apart, flat; bits
    (BLOCK,).
    """
    for i in range(images):
        bits[i] = set_bits(x, i * stride, size)
    for i in range(images, BLOCK):
        bits[i] = 0


@kernel
def turn_bits(bits: np.ndarray) -> None:
    """Transpose: swap bit i of bits[k] and bit k of bits[i]; bits (64,), uint64.

    By halves: quarters of the square are swapped, then quarters of quarters (Warren, Hacker's
    Delight, 7-3).
    """
    side = 32
    mask = np.uint64(2**32 - 1)
    while side > 0:
        shift = np.uint64(side)
        for first in range(0, 64, 2 * side):
            for k in range(first, first + side):
                change = ((bits[k] >> shift) ^ bits[k + side]) & mask
                bits[k] ^= change << shift
                bits[k + side] ^= change
        side //= 2
        mask ^= mask << np.uint64(max(side, 1))


@generic_kernel
def sparse_forward(
    bits: np.ndarray,
    x: np.ndarray,
    stride: int,
    images: int,
    W: np.ndarray,
    width: int,
    tile: np.ndarray,
    lanes: int,
) -> None:
    """tile ← tile + x W for a block of inputs, see `find_inputs`, and `lanes` columns of W.

    W: `lanes` elements of each input's row, the rows `width` apart; tile (images · lanes,); all
    flat.
    """
    for i in range(images):
        left = bits[i]
        if left != 0:
            row = load(tile, i * lanes, lanes)
            while left != 0:
                k = lowest_bit(left)
                left &= left - np.uint64(1)
                value = x[np.uint64(i * stride) + k]
                row = fma(spread(value, lanes), load(W, k * np.uint64(width), lanes), row)
            store(tile, i * lanes, row)


@generic_kernel
def sparse_backward(
    bits: np.ndarray,
    x: np.ndarray,
    images: int,
    size: int,
    tile: np.ndarray,
    use: int,
    W: np.ndarray,
    G: np.ndarray,
    width: int,
    lr: float,
    momentum: float,
    sends: bool,
    dx: np.ndarray,
    lanes: int,
) -> None:
    """dx ← dx + dy Wᵀ where x is not zero, if it `sends`; then dW = xᵀ dy, used at once.

    For a block of `size` inputs: bits[64 n + k] has a bit for each of the images from 64 n on whose
    input k is not zero. For `lanes` columns of W: W and G have these columns of each input's row,
    the rows `width` apart; tile has those of dy, (images · lanes,); x, dx (images · BLOCK,); all
    flat. The gradient with respect to a zero is not needed: ReLU's derivative is zero there.
    """
    zero = spread(W.dtype.type(0), lanes)
    for k in range(size):
        at = np.uint64(k)
        w = load(W, k * width, lanes)
        g = zero
        for begin in range(0, images, BLOCK):
            left, base = bits[begin + k], np.uint64(begin)
            while left != 0:
                i = base + lowest_bit(left)
                left &= left - np.uint64(1)
                d = load(tile, i * np.uint64(lanes), lanes)
                g = fma(spread(x[i * np.uint64(BLOCK) + at], lanes), d, g)
                if sends:
                    dx[i * np.uint64(BLOCK) + at] += dot(d, w)
        act_on_gradient(use, g, W, G, k * width, lr, momentum, lanes)
