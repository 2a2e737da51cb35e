"""A dense layer on images of which most pixels are zero: only those that are lit are worked on.

Four fifths of MNIST's pixels are zero, and a zero pixel adds nothing to x W, nor to xᵀ dy. Up to
MOST_LISTED images are listed together, pixel by pixel: which of them are lit there, and how
brightly. A row of W is then loaded once for all images that need it, and a tile of the result stays
in the processor's nearest cache. The plain definition is dense.py's; images are bytes, x = scale ·
byte. A tile is a block of W's columns, no more than a vector's lanes.
"""

import numpy as np

from mnistlab.kernels.gradient_use import ADD, SGD, use_gradient
from mnistlab.kernels.jit import generic_kernel, kernel
from mnistlab.kernels.vectors import fma, load, lowest_bit, prefetch, set_bits, spread, store

MOST_LISTED = 64  # images: `rows` are bytes
WORD = 64  # pixels that are looked at together, a cache line of them
# Elements of `starts` beside one for each pixel: the end, and what sorting by count needs at first.
MORE_STARTS = MOST_LISTED + 2


@kernel
def list_lit_pixels(
    images: np.ndarray,
    numbers: np.ndarray,
    coming: np.ndarray,
    scale: float,
    parts: int,
    pixels: np.ndarray,
    starts: np.ndarray,
    free: np.ndarray,
    rows: np.ndarray,
    values: np.ndarray,
) -> None:
    """List the lit pixels of up to MOST_LISTED images: images[numbers], uint8 (…, n).

    `pixels` (n,) are all pixels in `parts` equal parts (see `part_of`), in each of them those lit
    in most images first; pixels[q] is lit in the images rows[starts[q]:starts[q+1]] (counted within
    `numbers`), where its value x is that of `values`. pixels, starts (n + MORE_STARTS,) and `free`
    (n,), which is scratch: uint32. rows, uint8, and values: (numbers.size · n,).

    The order lets the processor foretell how long the next pixel's list is: as long as the last.
    `coming` are the numbers of images to be listed later, brought near meanwhile.
    """
    size = images.shape[1]
    for k in range(size):
        free[k] = 0
    for i in range(numbers.size):
        image = images[numbers[i]]
        if i < coming.size:
            for k in range(0, size, WORD):
                prefetch(images[coming[i]], k)
        for k in range(size):
            free[k] += image[k] != 0
    for part in range(parts):
        a, b = part_of(size, parts, part)
        sort_by_count(free, a, b, numbers.size, starts, pixels)
    start = np.uint32(0)
    for q in range(size):
        k = pixels[q]
        starts[q] = start
        start += free[k]
        free[k] = starts[q]
    starts[size] = start
    for i in range(numbers.size):
        image = images[numbers[i]]
        for first in range(0, size, WORD):
            bits = set_bits(image, first, min(WORD, size - first))
            while bits != 0:
                k = np.uint64(first) + lowest_bit(bits)
                bits &= bits - np.uint64(1)
                at = free[k]
                rows[at] = i
                values[at] = image[k] * scale
                free[k] = at + np.uint32(1)


@kernel
def part_of(size: int, parts: int, part: int) -> tuple[int, int]:
    """The pixels [from, to) of `size` that are a part of them."""
    return part * size // parts, (part + 1) * size // parts


@kernel
def sort_by_count(
    counts: np.ndarray, a: int, b: int, most: int, places: np.ndarray, pixels: np.ndarray
) -> None:
    """pixels[a:b]: the numbers of [a, b), those of the largest of counts (n,) ≤ most first.

    `places` is scratch, (most + 2,).
    """
    for c in range(most + 2):
        places[c] = 0
    for k in range(a, b):
        places[np.uint64(most) - counts[k] + np.uint64(1)] += np.uint32(1)
    places[0] = a
    for c in range(most + 1):
        places[c + 1] += places[c]
    for k in range(a, b):
        c = np.uint64(most) - counts[k]
        pixels[places[c]] = k
        places[c] += np.uint32(1)


@generic_kernel
def lit_forward(
    pixels: np.ndarray,
    starts: np.ndarray,
    rows: np.ndarray,
    values: np.ndarray,
    parts: int,
    images: int,
    W: np.ndarray,
    b: np.ndarray,
    width: int,
    tile: np.ndarray,
    y: np.ndarray,
    stride: int,
    lanes: int,
) -> None:
    """y = x W + b for the images of one listing and one tile of W.

    W (pixels · width,), b (width,) or (0,) for none, y: `width` elements of each of `images` rows
    that are `stride` apart; all flat. `tile`: scratch, (images · lanes,).
    """
    bias = load(b, 0, lanes, b.size)
    for i in range(images):
        store(tile, i * lanes, bias)
    for part in range(parts):
        first, last = part_of(pixels.size, parts, part)
        for q in range(first, last):
            if starts[q] == starts[q + 1]:
                break
            w = load(W, pixels[q] * width, lanes, width)
            for p in range(starts[q], starts[q + 1]):
                at = np.uint64(rows[p]) * np.uint64(lanes)
                store(tile, at, fma(spread(values[p], lanes), w, load(tile, at, lanes)))
    for i in range(images):
        store(y, i * stride, load(tile, i * lanes, lanes), width)


@generic_kernel
def lit_backward_weights(
    pixels: np.ndarray,
    starts: np.ndarray,
    rows: np.ndarray,
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
    """One tile of dW = xᵀ dy for the images of one listing, put to use at once.

    Of the listed pixels [first, last) alone, a part of them. dy: `width` elements of each of
    `images` rows that are `stride` apart; W, G (pixels · width,), all flat: see `use_gradient` for
    what `use` does with them. `tile`: scratch, (images · lanes,).
    """
    zero = spread(W.dtype.type(0), lanes)
    for i in range(images):
        store(tile, i * lanes, load(dy, i * stride, lanes, width))
    for q in range(first, last):
        if starts[q] == starts[q + 1] and use in (SGD, ADD):
            break
        g = zero
        for p in range(starts[q], starts[q + 1]):
            x = spread(values[p], lanes)
            g = fma(x, load(tile, np.uint64(rows[p]) * np.uint64(lanes), lanes), g)
        use_gradient(use, g, W, G, pixels[q] * width, width, lr, momentum, lanes)
