"""A first dense layer that skips the pixels that are zero, and the optimizer's step within it.

While the training loop runs, the layer's weights, and all that goes with them, lie tile by tile:
what one core writes is then never near what another does. `to_tiles` and `from_tiles` bring them
there and back.
"""

from typing import Any

import numpy as np

from mnistlab.engine.passes.layers import AHEAD, scratch_of, take_labels
from mnistlab.engine.passes.updates import rate_of
from mnistlab.engine.passes.views import rows_of, share, slot
from mnistlab.engine.program import Memory
from mnistlab.kernels import lit_pixels, optimizers
from mnistlab.kernels.dense import bias_gradient
from mnistlab.kernels.gradient_use import ADD, DECAY, MOMENTUM, SET
from mnistlab.kernels.jit import generic_kernel, kernel


@kernel
def listing(op: Any, m: Memory, row: int) -> tuple[np.ndarray, ...]:
    """The listing of the images from `row` on: pixels, starts, free, rows and values."""
    size, room = op.inputs, 3 * op.inputs + lit_pixels.MORE_STARTS
    own = m.lit_pixels[op.numbers_at + row // op.listed * room :][:room]
    pixels, free, starts = own[:size], own[size : 2 * size], own[2 * size :]
    entries = op.entries_at + row * size
    return pixels, starts, free, m.lit_rows[entries:], m.lit_values[entries:]


@kernel
def list_lit(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """The batch's labels, and the lit pixels of its images: in place of `gather`."""
    a, b = rows_of(op, rows, lane)
    take_labels(m, first, a, b)
    for row in range(a, b, op.listed):
        pixels, starts, free, images, values = listing(op, m, row)
        numbers = m.order[first + row : first + min(row + op.listed, b)]
        coming = m.order[min(m.order.size, first + row + AHEAD) :][: numbers.size]
        scale = values.dtype.type(m.pixel[0])
        lit_pixels.list_lit_pixels(
            m.images, numbers, coming, scale, op.parts, pixels, starts, free, images, values
        )


@kernel
def tile_of(op: Any, values: np.ndarray, t: int) -> tuple[np.ndarray, int, int]:
    """Tile t of a tiled weight in a flat vector, its first column, and how many it has."""
    column = t * op.tile
    width = min(op.tile, op.outputs - column)
    return values[op.weight + column * op.inputs :][: op.inputs * width], column, width


@kernel
def turn_tiles(op: Any, m: Memory, values: np.ndarray, to_tiles: bool) -> None:
    """Between a weight (inputs, outputs) and the same tile by tile, in place."""
    size = op.inputs * op.outputs
    before = m.scratch[op.scratch_at :][:size]
    if values.size > 0:
        before[:] = values[op.weight : op.weight + size]
        for t in range((op.outputs + op.tile - 1) // op.tile):
            _, column, width = tile_of(op, values, t)
            for k in range(op.inputs):
                plain, tiled = k * op.outputs + column, column * op.inputs + k * width
                source, target = (plain, tiled) if to_tiles else (tiled, plain)
                part = values[op.weight + target :][:width]
                for j in range(width):
                    part[j] = before[source + j]


@kernel
def to_tiles(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    for values in (m.params, m.state1, m.state2):
        turn_tiles(op, m, values, True)


@kernel
def from_tiles(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    for values in (m.params, m.grads, m.state1, m.state2):
        turn_tiles(op, m, values, False)


@generic_kernel
def forward(op: Any, m: Memory, lane: int, rows: int, lanes: int) -> None:
    """The first layer's output. By column: a lane's tiles of it, to where `collect` finds them."""
    tiles, a, b = (op.outputs + op.tile - 1) // op.tile, 0, rows
    begin, end = 0, tiles
    if op.by_column:
        begin, end = share(tiles, op.lanes, lane)
    else:
        a, b = rows_of(op, rows, lane)
    scratch = scratch_of(op, m, lane)
    for t in range(begin, end):
        W, column, width = tile_of(op, m.params, t)
        bias = m.params[op.bias + column :][: width if op.biases > 0 else 0]
        for row in range(a, b, op.listed):
            images = min(op.listed, b - row)
            y, stride = m.activations[op.y * m.capacity + row * op.outputs + column :], op.outputs
            if op.by_column:
                y, stride = m.scratch[op.collected + column * m.capacity + row * width :], width
            pixels, starts, _, of, values = listing(op, m, row)
            lit_pixels.lit_forward(
                pixels, starts, of, values, op.parts, images, W, bias, width, scratch, y, stride,
                lanes,
            )  # fmt: skip


@kernel
def lit_forward_64(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    forward(op, m, lane, rows, 64)


@kernel
def lit_forward_128(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    forward(op, m, lane, rows, 128)


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
    """The gradient of the first layer, and what becomes of it: of a lane's tiles, or pixels."""
    begin, end = 0, (op.outputs + op.tile - 1) // op.tile
    part = lane
    if op.by_column:
        begin, end = share(end, op.lanes, lane)
        part = 0
    first, last = lit_pixels.part_of(op.inputs, op.parts, part)
    scratch, lr = scratch_of(op, m, lane), rate_of(op, m, step)
    for t in range(begin, end):
        W, column, width = tile_of(op, m.params, t)
        G = tile_of(op, m.state1 if op.use == MOMENTUM else m.grads, t)[0]
        for row in range(0, rows, op.listed):
            images = min(op.listed, rows - row)
            fresh, done = m.batch[0] + row == 0, m.batch[0] + row + images == m.batch[1]
            use = op.use
            if use == SET and not fresh:
                use = ADD
            elif use == MOMENTUM and not (fresh and done):
                use = DECAY if fresh else ADD
            dy = m.deltas[op.y * m.capacity + row * op.outputs + column :]
            pixels, starts, _, of, values = listing(op, m, row)
            lit_pixels.lit_backward_weights(
                pixels, starts, of, values, first, last, images, dy, op.outputs, scratch, use,
                W, G, width, lr, op.decay1, lanes,
            )  # fmt: skip
        if op.use == MOMENTUM and m.batch[1] > op.listed:
            own = slice(first * width, last * width)
            optimizers.sgd_update(W[own], G[own], lr)
        if part == 0 and op.biases > 0:
            db = m.grads[op.bias + column :][:width]
            dz = slot(m.deltas, m, op.y, rows, op.outputs)[:, column : column + width]
            bias_gradient(dz, db, 0.0 if m.batch[0] == 0 else 1.0)


@kernel
def lit_backward_weights_64(
    op: Any, m: Memory, lane: int, step: int, first: int, rows: int
) -> None:
    backward_weights(op, m, lane, step, rows, 64)


@kernel
def lit_backward_weights_128(
    op: Any, m: Memory, lane: int, step: int, first: int, rows: int
) -> None:
    backward_weights(op, m, lane, step, rows, 128)


# By the columns of a tile: one vector's lanes.
FORWARD = {64: lit_forward_64, 128: lit_forward_128}
BACKWARD_WEIGHTS = {64: lit_backward_weights_64, 128: lit_backward_weights_128}
