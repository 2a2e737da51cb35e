"""The convolution of several images side by side: a vector holds one pixel of TILE images.

A tile is TILE interleaved images: pixel by pixel, and for each pixel the images. So every shape of
image and filter fills the vectors, and padding or spacing is lines of zeros in a tile. The plain
definition is in maths.py. Tiles are flat: (channels, height, width, TILE) elements.
"""

import numpy as np

from mnistlab.runtime.compiler import generic_kernel
from mnistlab.runtime.elementary import fma
from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.turning import turn_in, turn_out
from mnistlab.runtime.vectors import REGISTER, dot, load, spread, store

TILE = REGISTER
# This many adjacent pixels of a row, for this many filters, are summed at once in registers.
PIXELS = 4 if REGISTER == 16 else 3
FILTERS = 4
PIECE = PIXELS * TILE
# The weights' gradient: this many filters and taps at once, over this many positions at a time.
TAPS, POSITIONS = 3, 64


def tile_size(elements: int) -> int:
    """The elements of a tile of images, plus those of a vector that may be read beyond its end."""
    return elements * TILE + PIECE


def images_together(images: int) -> int:
    """How many of a batch's images stay in one lane: as few tiles as there can be, of equal size.

    Ten images are two tiles of 5 rather than 8 and 2, so that two lanes have equal work in all ops.
    """
    tiles = -(-images // TILE)
    return -(-images // tiles)


@kernel
def frame(
    tile: np.ndarray,
    framed: np.ndarray,
    channels: int,
    height: int,
    width: int,
    border: int,
    spacing: int,
    high: int,
    wide: int,
    stride: int,
) -> None:
    """Write a tile's pixels into zeros, `spacing` apart, the first at `border` from the edges.

    tile (channels, height, width, TILE) → framed (channels, high, stride, ⌈wide / stride⌉, TILE):
    the columns are ordered by their remainder modulo the stride, so that the inputs of one tap are
    adjacent for adjacent outputs.
    """
    zero, columns = spread(tile.dtype.type(0), TILE), (wide + stride - 1) // stride
    for c in range(channels):
        for h in range(high):
            line = (c * high + h) * stride * columns
            for w in range(stride * columns):
                store(framed, (line + w) * TILE, zero)
            from_top = h - border
            if 0 <= from_top < height * spacing and from_top % spacing == 0:
                begin = (c * height + from_top // spacing) * width
                for w in range(width):
                    at = border + w * spacing
                    at = line + (at % stride) * columns + at // stride if stride > 1 else line + at
                    store(framed, at * TILE, load(tile, (begin + w) * TILE, TILE))


@generic_kernel
def store_piece(y: np.ndarray, at: int, piece: np.ndarray, pixels: int) -> None:
    """Store the first `pixels` pixels of a piece, at most PIXELS, from `at` on."""
    if pixels >= PIXELS:
        store(y, at, piece)
    else:
        store(y, at, piece, pixels * TILE)


@kernel
def taps_inside(q: int, border: int, across: int, side: int, stride: int) -> tuple[int, int]:
    """The range of taps v of a row whose inputs for the outputs from q to q + PIXELS − 1 are not
    all in the border. With a stride, all taps.
    """
    left, right = 0, side
    if stride == 1:
        left = max(0, border - q - PIXELS + 1)
        right = max(left, min(side, border + across - q))
    return left, right


@kernel
def correlate(
    framed: np.ndarray,
    packed: np.ndarray,
    b: np.ndarray,
    y: np.ndarray,
    channels: int,
    high: int,
    wide: int,
    border: int,
    lines: int,
    across: int,
    spacing: int,
    filters: int,
    rows: int,
    columns: int,
    side: int,
    stride: int,
) -> None:
    """y = W ∗ x + b for a tile; filters ≥ FILTERS. Taps that find zeros of the border are left out.

    framed (channels, high, stride, wide, TILE), see `frame`; its lines with pixels are border,
    border + spacing, … below border + lines, its columns likewise below border + across; packed
    from `pack_filters`; b (filters,) or (0,); y (filters, rows, columns, TILE).
    """
    step, positions = np.uint64(FILTERS), rows * columns * TILE
    for group in range((filters + FILTERS - 1) // FILTERS):
        f = min(group * FILTERS, filters - FILTERS)
        first = group * FILTERS * channels * side * side
        for r in range(rows):
            for q in range(0, columns, PIXELS):
                left, right = taps_inside(q, border, across, side, stride)
                y0 = spread(b[f] if b.size > 0 else y.dtype.type(0), PIECE)
                y1 = spread(b[f + 1] if b.size > 0 else y.dtype.type(0), PIECE)
                y2 = spread(b[f + 2] if b.size > 0 else y.dtype.type(0), PIECE)
                y3 = spread(b[f + 3] if b.size > 0 else y.dtype.type(0), PIECE)
                for c in range(channels):
                    for u in range(side):
                        h = r * stride + u
                        below = h - border
                        if 0 <= below < lines and (spacing == 1 or below % spacing == 0):
                            at = ((c * high + h) * stride * wide + q + left) * TILE
                            k = np.uint64(first + ((c * side + u) * side + left) * FILTERS)
                            phase = 0
                            for _ in range(left, right):
                                x = load(framed, at, PIECE)
                                y0 = fma(spread(packed[k], PIECE), x, y0)
                                y1 = fma(spread(packed[k + np.uint64(1)], PIECE), x, y1)
                                y2 = fma(spread(packed[k + np.uint64(2)], PIECE), x, y2)
                                y3 = fma(spread(packed[k + np.uint64(3)], PIECE), x, y3)
                                k += step
                                phase += 1
                                at += wide * TILE
                                if phase == stride:
                                    phase = 0
                                    at += (1 - stride * wide) * TILE
                at = f * positions + (r * columns + q) * TILE
                store_piece(y, at, y0, columns - q)
                store_piece(y, at + positions, y1, columns - q)
                store_piece(y, at + 2 * positions, y2, columns - q)
                store_piece(y, at + 3 * positions, y3, columns - q)


@kernel
def add_to_pixels(y: np.ndarray, b: np.ndarray) -> None:
    """y[f, r, q] += b[f, r, q] in every image of a tile; b (filters · rows · columns,)."""
    for j in range(b.size):
        bias = spread(b[j], TILE)
        store(y, j * TILE, fma(spread(b.dtype.type(1), TILE), load(y, j * TILE, TILE), bias))


@kernel
def tap_offsets(
    channels: int, high: int, wide: int, side: int, stride: int, offsets: np.ndarray
) -> None:
    """The offsets of a filter's taps in a framed tile, in pixels from the filter's position;
    uint32.

    offsets (channels · side²,), then the last one repeated up to a multiple of TAPS.
    """
    taps = channels * side * side
    for tap in range(offsets.size):
        c, place = min(tap, taps - 1) // side**2, min(tap, taps - 1) % side**2
        u, v = place // side, place % side
        offsets[tap] = ((c * high + u) * stride + v % stride) * wide + v // stride


@kernel
def add_products(
    framed: np.ndarray,
    offsets: np.ndarray,
    dy: np.ndarray,
    sums: np.ndarray,
    filters: int,
    rows: int,
    columns: int,
    down: int,
) -> None:
    """sums[f, t] += Σ dy[f, r, q] · x[r, q of tap t] over positions (r, q), image by image.

    framed as in `correlate`; `down` pixels from the inputs of a row of outputs to those of the
    next; dy (filters, rows, columns, TILE); sums (⌈filters / FILTERS⌉, ⌈taps / TAPS⌉, FILTERS,
    TAPS, TILE); the last group of filters or taps overlaps the one before.
    """
    at_once, positions = max(1, POSITIONS // columns), rows * columns
    size = FILTERS * TAPS
    last = filters - 1
    for group in range((filters + FILTERS - 1) // FILTERS):
        f = group * FILTERS
        d0, d1 = f * positions * TILE, min(f + 1, last) * positions * TILE
        d2, d3 = min(f + 2, last) * positions * TILE, min(f + 3, last) * positions * TILE
        for r in range(0, rows, at_once):
            for t in range(0, offsets.size, TAPS):
                x0, x1, x2 = offsets[t], offsets[t + 1], offsets[t + 2]
                to = (group * (offsets.size // TAPS) + t // TAPS) * size
                add_lines(
                    framed, x0 * TILE, x1 * TILE, x2 * TILE, down * TILE, dy, d0, d1, d2, d3,
                    r, min(r + at_once, rows), columns, sums, to,
                )  # fmt: skip


@kernel
def add_lines(
    x: np.ndarray,
    x0: int,
    x1: int,
    x2: int,
    down: int,
    dy: np.ndarray,
    d0: int,
    d1: int,
    d2: int,
    d3: int,
    begin: int,
    end: int,
    columns: int,
    sums: np.ndarray,
    to: int,
) -> None:
    """The products of FILTERS filters (from d0 … d3) and TAPS taps (from x0 …) in lines of dy."""
    s00 = s01 = s02 = s10 = s11 = s12 = spread(x.dtype.type(0), TILE)
    s20 = s21 = s22 = s30 = s31 = s32 = spread(x.dtype.type(0), TILE)
    for r in range(begin, end):
        line, place = r * down, r * columns * TILE
        for _ in range(columns):
            a0, a1 = load(x, x0 + line, TILE), load(x, x1 + line, TILE)
            a2 = load(x, x2 + line, TILE)
            g = load(dy, d0 + place, TILE)
            s00, s01, s02 = fma(g, a0, s00), fma(g, a1, s01), fma(g, a2, s02)
            g = load(dy, d1 + place, TILE)
            s10, s11, s12 = fma(g, a0, s10), fma(g, a1, s11), fma(g, a2, s12)
            g = load(dy, d2 + place, TILE)
            s20, s21, s22 = fma(g, a0, s20), fma(g, a1, s21), fma(g, a2, s22)
            g = load(dy, d3 + place, TILE)
            s30, s31, s32 = fma(g, a0, s30), fma(g, a1, s31), fma(g, a2, s32)
            line += TILE
            place += TILE
    one, own = spread(x.dtype.type(1), TILE), sums[to : to + FILTERS * TAPS]
    own[0] += dot(s00, one)
    own[1] += dot(s01, one)
    own[2] += dot(s02, one)
    own[3] += dot(s10, one)
    own[4] += dot(s11, one)
    own[5] += dot(s12, one)
    own[6] += dot(s20, one)
    own[7] += dot(s21, one)
    own[8] += dot(s22, one)
    own[9] += dot(s30, one)
    own[10] += dot(s31, one)
    own[11] += dot(s32, one)


@kernel
def in_order(sums: np.ndarray, dW: np.ndarray, filters: int, taps: int) -> None:
    """dW (filters · taps,), filter by filter, from the sums of `add_products`."""
    blocks = (taps + TAPS - 1) // TAPS
    for f in range(filters):
        for t in range(taps):
            block = (f // FILTERS) * blocks + t // TAPS
            dW[f * taps + t] = sums[(block * FILTERS + f % FILTERS) * TAPS + t % TAPS]


@kernel
def turn_images_in(images: np.ndarray, size: int, tile: np.ndarray) -> None:
    """images (n · size,) of 1 to TILE images → tile (size, TILE); missing images are zeros."""
    last = images.size // size - 1
    if size >= TILE:
        for at in range(0, size, TILE):
            at = min(at, size - TILE)
            turn_in(images, at, size, last, tile, at * TILE)
    else:
        for at in range(size):
            for i in range(TILE):
                tile[at * TILE + i] = images[i * size + at] if i <= last else 0


@kernel
def turn_images_out(tile: np.ndarray, size: int, images: np.ndarray) -> None:
    """The inverse of `turn_images_in`: tile (size, TILE) → images (n · size,)."""
    last = images.size // size - 1
    if size >= TILE:
        for at in range(0, size, TILE):
            at = min(at, size - TILE)
            turn_out(tile, at * TILE, images, at, size, last)
    else:
        for at in range(size):
            for i in range(last + 1):
                images[i * size + at] = tile[at * TILE + i]
