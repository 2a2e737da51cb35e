"""A dense layer on images that are mostly zero: it uses non-zero pixels only.

Four fifths of MNIST's pixels are zero, and a zero pixel adds nothing to x W or to xᵀ dy. Up to
LISTED images are listed together: for each image a bit for every pixel that is not zero, and for
each pixel a bit for every image in which it is not zero. The forward pass goes by images, in blocks
of pixels, so that their rows of W stay in L1. The backward pass goes by pixels, so that a row of
the gradient is summed in registers and used at once. The plain definition is in maths.py; images
are bytes, x = values[byte]. A tile is a block of W's columns, as many as a vector's lanes.

Where a zero pixel is no zero input, as in standardised images, x = blank + (x - blank) with
blank = values[0]. Then x W is blank times the sum of W's rows, which is the same for all images,
and what the other pixels add; each row of xᵀ dy begins with blank times the sum of dy's rows.
"""

import numpy as np

from mnistlab.runtime.compiler import generic_kernel
from mnistlab.runtime.elementary import fma
from mnistlab.runtime.gradient_action import ADD, SGD, act_on_gradient
from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.turning import SIDE, turn
from mnistlab.runtime.vectors import load, lowest_bit, prefetch, set_bits, spread, store

LISTED = 64  # images: as many as a word has bits
WORD = 64  # pixels that are read together, a cache line of them


@kernel
def words_of(size: int) -> int:
    """The words that have a bit for each of `size` pixels."""
    return (size + WORD - 1) // WORD


@kernel
def list_nonzero_pixels(
    images: np.ndarray,
    size: int,
    first: int,
    last: int,
    numbers: np.ndarray,
    coming: np.ndarray,
    by_image: np.ndarray,
    by_pixel: np.ndarray,
    turned: np.ndarray,
) -> None:
    """List the non-zero pixels of up to LISTED images of `size` ≥ SIDE pixels, words [first, last).

    images, uint8, flat; those of `numbers`, int64 (count,), are listed. Uint64: by_image (LISTED ·
    words_of(size),), bit k of an image's word w is its pixel WORD · w + k; by_pixel (size,), bit i
    is the image numbers[i]. turned (size · LISTED,), uint8: the images pixel by pixel; bits of
    missing images are undefined. `coming` are images that will be listed later; they are
    prefetched.
    """
    words = words_of(size)
    end = min(size, last * WORD)
    for i in range(numbers.size):
        if i < coming.size:
            for k in range(first * WORD, end, WORD):
                prefetch(images, coming[i] * size + k)
        begin = numbers[i] * size
        for word in range(first, last):
            k = word * WORD
            by_image[i * words + word] = set_bits(images, begin + k, min(WORD, size - k))
    for i in range(0, numbers.size, SIDE):
        for square in range(first * WORD, end, SIDE):
            k = min(square, size - SIDE)
            turn(images, numbers, i, size, k, turned, k * LISTED + i, LISTED)
    for k in range(first * WORD, end):
        by_pixel[k] = set_bits(turned, k * LISTED, numbers.size)


@generic_kernel
def sparse_input_forward(
    by_image: np.ndarray,
    turned: np.ndarray,
    values: np.ndarray,
    size: int,
    first: int,
    last: int,
    W: np.ndarray,
    b: np.ndarray,
    width: int,
    tile: np.ndarray,
    y: np.ndarray,
    stride: int,
    lanes: int,
) -> None:
    """y = x W + b for the images [first, last) of one listing and one tile of W.

    values T (256,); W (size · lanes,), b (width,) or (0,) for none; y: `width` ≤ lanes elements of
    each image's row, the rows `stride` apart; all flat. `tile`: scratch, (LISTED · lanes,).
    """
    words, blank = words_of(size), values[0]
    bias = load(b, 0, lanes, b.size)
    for i in range(first, last):
        store(tile, i * lanes, bias)
    blanks, of_all = spread(blank, lanes), spread(W.dtype.type(0), lanes)
    for word in range(words):
        block = np.uint64(word * WORD)
        if blank != 0:  # these rows of W are then in L1
            for k in range(word * WORD, min(size, word * WORD + WORD)):
                of_all = fma(blanks, load(W, k * lanes, lanes), of_all)
        for i in range(first, last):
            bits = by_image[i * words + word]
            if bits != 0:
                row = load(tile, i * lanes, lanes)
                while bits != 0:
                    k = block + lowest_bit(bits)
                    bits &= bits - np.uint64(1)
                    x = values[turned[k * np.uint64(LISTED) + np.uint64(i)]] - blank
                    row = fma(spread(x, lanes), load(W, k * np.uint64(lanes), lanes), row)
                store(tile, i * lanes, row)
    if blank != 0:
        one = spread(W.dtype.type(1), lanes)
        for i in range(first, last):
            store(tile, i * lanes, fma(one, load(tile, i * lanes, lanes), of_all))
    for i in range(first, last):
        row, target = tile[i * lanes :][:width], y[(i - first) * stride :][:width]
        for j in range(width):
            target[j] = row[j]


@generic_kernel
def sparse_input_backward_weights(
    by_pixel: np.ndarray,
    turned: np.ndarray,
    values: np.ndarray,
    first: int,
    last: int,
    images: int,
    dy: np.ndarray,
    stride: int,
    tile: np.ndarray,
    use: int,
    W: np.ndarray,
    G: np.ndarray,
    width: int,
    lr: float,
    momentum: float,
    lanes: int,
) -> None:
    """One tile of dW = xᵀ dy for the images of one listing, used at once.

    For the pixels [first, last). dy: `width` elements of each of `images` rows, `stride` apart; W,
    G (size · lanes,), all flat: see `act_on_gradient` for `use`. `tile`: scratch, (LISTED ·
    lanes,).
    """
    blank = values[0]
    blanks, of_all = spread(blank, lanes), spread(W.dtype.type(0), lanes)
    for i in range(images):
        row = load(dy, i * stride, lanes, width)
        store(tile, i * lanes, row)
        if blank != 0:
            of_all = fma(blanks, row, of_all)
    for k in range(first, last):
        bits = by_pixel[k]
        if bits != 0 or blank != 0 or use not in (SGD, ADD):
            g = of_all
            while bits != 0:
                i = lowest_bit(bits)
                bits &= bits - np.uint64(1)
                x = values[turned[np.uint64(k * LISTED) + i]] - blank
                g = fma(spread(x, lanes), load(tile, i * np.uint64(lanes), lanes), g)
            act_on_gradient(use, g, W, G, k * lanes, lr, momentum, lanes)
