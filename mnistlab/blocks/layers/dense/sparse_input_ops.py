"""A first dense layer that skips zero pixels, with the optimizer's step inside.

In the training loop, the layer's weights and their state are stored tile by tile; a row of a tile
is a vector. So one core never writes near another. `to_tiles` and `from_tiles` copy them there and
back.
"""

from functools import cache
from typing import Any

import numpy as np

from mnistlab.blocks.layers.dense import sparse_input
from mnistlab.blocks.layers.dense.maths import bias_gradient
from mnistlab.blocks.layers.dense.ops import DenseOperands
from mnistlab.blocks.optimizers.sgd import sgd_update
from mnistlab.runtime.actions import ADD, DECAY, MOMENTUM, SET
from mnistlab.runtime.compiler import generic_kernel
from mnistlab.runtime.gather import AHEAD, take_labels
from mnistlab.runtime.kernel import kernel, named, view
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.op import Operands
from mnistlab.runtime.parts import momentum_of, rate_of, rows_of, scratch_of, share, slot, state_of


class ListingOperands(Operands):
    """Operands of `list_nonzero_pixels`: images of `inputs` pixels, `listed` of them together."""

    inputs: int
    listed: int
    by_column: bool = False  # lanes divide the words of pixels instead of the batch's rows


class SparseInputOperands(DenseOperands):
    """Operands of a dense layer with its weights in tiles of columns."""

    tiles: int  # offset in the parameter vector where the tiles begin
    tile: int  # columns of a tile
    listed: int  # images that are listed together
    parts: int  # of a tile, divided among lanes
    scratch: int  # elements of scratch for each lane
    scratch_at: int  # offset of the first lane's
    collected: int = 0  # where the tiles of the output begin in the scratch, by column


@view
def listing(op: Any, m: Memory, row: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The listing of the images from `row` on: by image, by pixel, and the bytes pixel by pixel."""
    size, number = op.inputs, row // op.listed
    words = sparse_input.LISTED * sparse_input.words_of(size)
    own = m.listed_bits[number * (words + size) :]
    turned = m.listed_bytes[number * sparse_input.LISTED * size :]
    return own[:words], own[words : words + size], turned[: sparse_input.LISTED * size]


@kernel
def list_nonzero(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """The batch's labels, and the non-zero pixels of its images; it replaces `gather`.

    By column: a lane's words of pixels, of all images.
    """
    a, b = 0, rows
    begin, end = 0, sparse_input.words_of(op.inputs)
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
        sparse_input.list_nonzero_pixels(
            m.images.reshape(-1), op.inputs, begin, end, numbers, coming, by_image, by_pixel, turned
        )


@view
def tile_of(op: Any, values: np.ndarray, t: int) -> tuple[np.ndarray, int, int]:
    """Tile t of a weight in a flat vector, its first column, and its number of columns."""
    column = t * op.tile
    size = op.inputs * op.tile
    return values[op.tiles + t * size :][:size], column, min(op.tile, op.outputs - column)


@kernel
def turn_tiles(op: Any, values: np.ndarray, to_tiles: bool) -> None:
    """Copy a weight (inputs, outputs) to its tiles, or back; outside the loop the
    tiles are zero.
    """
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
    for number in range(m.states.size // m.params.size):
        turn_tiles(op, state_of(m, number), True)
    turn_tiles(op, m.params, True)


@kernel
def from_tiles(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    for number in range(m.states.size // m.params.size):
        turn_tiles(op, state_of(m, number), False)
    for values in (m.params, m.grads):
        turn_tiles(op, values, False)


@kernel
def units_of(op: Any, lane: int) -> tuple[int, int]:
    """The units [from, to) of a lane that has no rows of its own: a unit is a part of a tile."""
    return share((op.outputs + op.tile - 1) // op.tile * op.parts, op.lanes, lane)


@generic_kernel
def forward(op: Any, m: Memory, lane: int, rows: int, lanes: int) -> None:
    """The first layer's output. By column: a lane's units of it, into scratch for `collect`."""
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
            sparse_input.sparse_input_forward(
                by_image, turned, m.pixel_values, op.inputs, low, high, W, bias, width, scratch, y,
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
    """The gradient of the first layer for a lane's units, and the action on it."""
    begin, end = units_of(op, lane)
    scratch, lr = scratch_of(op, m, lane), rate_of(op, m, step)
    momentum = momentum_of(m, step)
    for unit in range(begin, end):
        W, column, width = tile_of(op, m.params, unit // op.parts)
        G = tile_of(
            op, state_of(m, 0) if op.gradient_action == MOMENTUM else m.grads, unit // op.parts
        )[0]
        first, last = share(op.inputs, op.parts, unit % op.parts)
        for row in range(0, rows, op.listed):
            images = min(op.listed, rows - row)
            fresh, done = m.batch[0] + row == 0, m.batch[0] + row + images == m.batch[1]
            action = op.gradient_action
            if action == SET and not fresh:
                action = ADD
            elif action == MOMENTUM and not (fresh and done):
                action = DECAY if fresh else ADD
            dy = m.deltas[op.y * m.capacity + row * op.outputs + column :]
            _, by_pixel, turned = listing(op, m, row)
            sparse_input.sparse_input_backward_weights(
                by_pixel, turned, m.pixel_values, first, last, images, dy, op.outputs,
                scratch, action, W, G, width, lr, momentum, lanes,
            )  # fmt: skip
        if op.gradient_action == MOMENTUM and m.batch[1] > op.listed:
            own = slice(first * lanes, last * lanes)
            sgd_update(W[own], G[own], lr)
        if unit % op.parts == 0 and op.biases > 0:
            db = m.grads[op.bias + column :][:width]
            dz = slot(m.deltas, m, op.y, rows, op.outputs)[:, column : column + width]
            bias_gradient(dz, db, 0.0 if m.batch[0] == 0 else 1.0)


@cache
def forward_of(lanes: int) -> Any:
    """The op `forward` for tiles of this many columns."""

    def sparse_input_forward(
        op: Any, m: Memory, lane: int, step: int, first: int, rows: int
    ) -> None:
        forward(op, m, lane, rows, lanes)

    return kernel(named(sparse_input_forward, lanes))


@cache
def backward_weights_of(lanes: int) -> Any:
    """The op `backward_weights` for tiles of this many columns."""

    def sparse_input_backward_weights(
        op: Any, m: Memory, lane: int, step: int, first: int, rows: int
    ) -> None:
        backward_weights(op, m, lane, step, rows, lanes)

    return kernel(named(sparse_input_backward_weights, lanes))
