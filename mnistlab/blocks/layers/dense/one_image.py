"""A first dense layer on batches of one image that is mostly zero: it uses non-zero pixels only.

As in sparse_input.py, but without lists by pixel: the backward pass goes by the image's pixels,
too. The plain definition is in maths.py; images are bytes, x = values[byte]. A tile is a block of
W's columns, as many as a vector's lanes.
"""

import numpy as np

from mnistlab.blocks.layers.dense.sparse_input import WORD, words_of
from mnistlab.runtime.compiler import generic_kernel
from mnistlab.runtime.elementary import fma
from mnistlab.runtime.gradient_action import ADD, SGD, act_on_gradient
from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.vectors import load, lowest_bit, set_bits, spread, store


@kernel
def list_pixels(image: np.ndarray, bits: np.ndarray) -> None:
    """Bit k of bits[w] is set if pixel WORD · w + k is not zero; image, uint8 (size,); bits, uint64
    (words_of(size),).
    """
    for word in range(words_of(image.size)):
        k = word * WORD
        bits[word] = set_bits(image, k, min(WORD, image.size - k))


@generic_kernel
def one_image_forward(
    image: np.ndarray,
    pixels: np.ndarray,
    values: np.ndarray,
    W: np.ndarray,
    b: np.ndarray,
    y: np.ndarray,
    lanes: int,
) -> None:
    """y = x W + b for one tile of W.

    `pixels` is what `list_pixels` lists. values T (256,); W (size · lanes,), b (y.size,) or (0,)
    for none, y (at most lanes,).
    """
    row = load(b, 0, lanes, b.size)
    for word in range(pixels.size):
        block, bits = np.uint64(word * WORD), pixels[word]
        while bits != 0:
            k = block + lowest_bit(bits)
            bits &= bits - np.uint64(1)
            row = fma(spread(values[image[k]], lanes), load(W, k * np.uint64(lanes), lanes), row)
    store(y, 0, row, y.size)


@generic_kernel
def one_image_backward_weights(
    image: np.ndarray,
    pixels: np.ndarray,
    values: np.ndarray,
    dy: np.ndarray,
    use: int,
    W: np.ndarray,
    G: np.ndarray,
    lr: float,
    momentum: float,
    lanes: int,
) -> None:
    """One tile of dW = xᵀ dy, used at once: see `act_on_gradient` for `use`.

    dy (at most lanes,); W, G (size · lanes,). What SGD and ADD add for a zero pixel is zero.
    """
    d = load(dy, 0, lanes, dy.size)
    zero = spread(W.dtype.type(0), lanes)
    for word in range(pixels.size):
        block, bits = np.uint64(word * WORD), pixels[word]
        if use in (SGD, ADD):
            while bits != 0:
                k = block + lowest_bit(bits)
                bits &= bits - np.uint64(1)
                g = fma(spread(values[image[k]], lanes), d, zero)
                act_on_gradient(use, g, W, G, k * np.uint64(lanes), lr, momentum, lanes)
        else:
            for number in range(min(WORD, image.size - word * WORD)):
                k = block + np.uint64(number)
                g = zero
                if image[k] != 0:
                    g = fma(spread(values[image[k]], lanes), d, zero)
                act_on_gradient(use, g, W, G, k * np.uint64(lanes), lr, momentum, lanes)
