"""A first dense layer that skips the pixels that are zero, and the optimizer's step within it.

While the training loop runs, the layer's weights, and all that goes with them, lie tile by tile, a
row of a tile as long as a vector: what one core writes is then never near what another does.
`to_tiles` and `from_tiles` bring them there and back.
"""

from functools import cache
from typing import Any

import numpy as np

from mnistlab.engine.passes.layers import AHEAD, scratch_of, take_labels
from mnistlab.engine.passes.updates import rate_of
from mnistlab.engine.passes.views import rows_of, share, slot
from mnistlab.engine.program import Memory
from mnistlab.kernels import lit_pixels, optimizers
from mnistlab.kernels.dense import bias_gradient
from mnistlab.kernels.gradient_use import ADD, DECAY, MOMENTUM, SET
from mnistlab.kernels.jit import generic_kernel, kernel, named, view


@view
def listing(op: Any, m: Memory, row: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The listing of the images from `row` on: by image, by pixel, and the bytes pixel by pixel."""
    size, number = op.inputs, row // op.listed
    words = lit_pixels.LISTED * lit_pixels.words_of(size)
    own = m.lit_bits[number * (words + size) :]
    turned = m.lit_bytes[number * lit_pixels.LISTED * size :]
    return own[:words], own[words : words + size], turned[: lit_pixels.LISTED * size]


@kernel
def list_lit(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """The batch's labels, and the lit pixels of its images: in place of `gather`.

    By column: a lane's words of pixels, of all images.
    """
    a, b = 0, rows
    begin, end = 0, lit_pixels.words_of(op.inputs)
    if op.by_column:
        begin, end = share(end, op.lanes, lane)
    else:
        a, b = rows_of(op, rows, lane)
    if begin == 0:
        take_labels(m, first, a, b)
    for row in range(a, b, op.listed):
        by_image, by_pixel, turned = listing(op, m, row)
        numbers = m.order[first + row : first + min(row + op.listed, b)]
        coming = m.order[min(m.order.size, first + row + AHEAD) :][: numbers.size]
        lit_pixels.list_lit_pixels(
            m.images.reshape(-1), op.inputs, begin, end, numbers, coming, by_image, by_pixel, turned
        )


@view
def tile_of(op: Any, values: np.ndarray, t: int) -> tuple[np.ndarray, int, int]:
    """Tile t of a weight in a flat vector, its first column, and how many it has."""
    column = t * op.tile
    size = op.inputs * op.tile
    return values[op.tiles + t * size :][:size], column, min(op.tile, op.outputs - column)


@kernel
def turn_tiles(op: Any, values: np.ndarray, to_tiles: bool) -> None:
    """Between a weight (inputs, outputs) and the same tile by tile: zeros outside the loop."""
    if values.size > 0:
        plain = values[op.weight :][: op.inputs * op.outputs].reshape(op.inputs, op.outputs)
        for t in range((op.outputs + op.tile - 1) // op.tile):
            tile, column, width = tile_of(op, values, t)
            for k in range(op.inputs):
                row, part = plain[k, column : column + width], tile[k * op.tile :][:width]
                for j in range(width):
                    if to_tiles:
                        part[j] = row[j]
                    else:
                        row[j] = part[j]
            if not to_tiles:
                tile[:] = 0


@kernel
def to_tiles(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    for values in (m.params, m.state1, m.state2):
        turn_tiles(op, values, True)


@kernel
def from_tiles(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    for values in (m.params, m.grads, m.state1, m.state2):
        turn_tiles(op, values, False)


@kernel
def units_of(op: Any, lane: int) -> tuple[int, int]:
    """The units [from, to) of a lane that has no rows of its own: a unit is a part of a tile."""
    return share((op.outputs + op.tile - 1) // op.tile * op.parts, op.lanes, lane)


@generic_kernel
def forward(op: Any, m: Memory, lane: int, rows: int, lanes: int) -> None:
    """The first layer's output. By column: a lane's units of it, to where `collect` finds them."""
    a, b, parts = 0, rows, op.parts
    if op.by_column:
        begin, end = units_of(op, lane)
    else:
        a, b = rows_of(op, rows, lane)
        parts, begin, end = 1, 0, (op.outputs + op.tile - 1) // op.tile
    scratch = scratch_of(op, m, lane)
    for unit in range(begin, end):
        W, column, width = tile_of(op, m.params, unit // parts)
        bias = m.params[op.bias + column :][: width if op.biases > 0 else 0]
        for row in range(a, b, op.listed):
            images = min(op.listed, b - row)
            low, high = share(images, parts, unit % parts)
            by_image, _, turned = listing(op, m, row)
            place, stride = op.y * m.capacity + (row + low) * op.outputs + column, op.outputs
            y = m.activations[place:]
            if op.by_column and op.outputs > op.tile:
                y = m.scratch[op.collected + column * m.capacity + (row + low) * width :]
                stride = width
            lit_pixels.lit_forward(
                by_image, turned, m.lit_values, op.inputs, low, high, W, bias, width, scratch, y,
                stride, lanes,
            )  # fmt: skip


@kernel
def collect(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """A lane's rows of the first layer's output, from its tiles."""
    a, b = rows_of(op, rows, lane)
    y = slot(m.activations, m, op.y, rows, op.outputs)
    for column in range(0, op.outputs, op.tile):
        width = min(op.tile, op.outputs - column)
        tile = m.scratch[op.collected + column * m.capacity :]
        for i in range(a, b):
            source, target = tile[i * width :][:width], y[i, column : column + width]
            for j in range(width):
                target[j] = source[j]


@generic_kernel
def backward_weights(op: Any, m: Memory, lane: int, step: int, rows: int, lanes: int) -> None:
    """The gradient of the first layer, and what becomes of it: of a lane's units."""
    begin, end = units_of(op, lane)
    scratch, lr = scratch_of(op, m, lane), rate_of(op, m, step)
    for unit in range(begin, end):
        W, column, width = tile_of(op, m.params, unit // op.parts)
        G = tile_of(op, m.state1 if op.use == MOMENTUM else m.grads, unit // op.parts)[0]
        first, last = share(op.inputs, op.parts, unit % op.parts)
        for row in range(0, rows, op.listed):
            images = min(op.listed, rows - row)
            fresh, done = m.batch[0] + row == 0, m.batch[0] + row + images == m.batch[1]
            use = op.use
            if use == SET and not fresh:
                use = ADD
            elif use == MOMENTUM and not (fresh and done):
                use = DECAY if fresh else ADD
            dy = m.deltas[op.y * m.capacity + row * op.outputs + column :]
            _, by_pixel, turned = listing(op, m, row)
            lit_pixels.lit_backward_weights(
                by_pixel, turned, m.lit_values, first, last, images, dy, op.outputs, scratch, use,
                W, G, width, lr, op.decay1, lanes,
            )  # fmt: skip
        if op.use == MOMENTUM and m.batch[1] > op.listed:
            own = slice(first * lanes, last * lanes)
            optimizers.sgd_update(W[own], G[own], lr)
        if unit % op.parts == 0 and op.biases > 0:
            db = m.grads[op.bias + column :][:width]
            dz = slot(m.deltas, m, op.y, rows, op.outputs)[:, column : column + width]
            bias_gradient(dz, db, 0.0 if m.batch[0] == 0 else 1.0)


@cache
def forward_of(lanes: int) -> Any:
    """`forward` for tiles of so many columns, an op."""

    def lit_forward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
        forward(op, m, lane, rows, lanes)

    return kernel(named(lit_forward, lanes))


@cache
def backward_weights_of(lanes: int) -> Any:
    """`backward_weights` for tiles of so many columns, an op."""

    def lit_backward_weights(
        op: Any, m: Memory, lane: int, step: int, first: int, rows: int
    ) -> None:
        backward_weights(op, m, lane, step, rows, lanes)

    return kernel(named(lit_backward_weights, lanes))
