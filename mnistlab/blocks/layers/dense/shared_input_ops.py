"""The ops of several networks' first layers side by side; the memory `m` is the group's.

The wide matrix is in tiles, like the weights in sparse_input_ops.py: column n · units + j is unit j
of network n. Everything else of a network stays in its own memory.
"""

from functools import cache
from typing import Any

import numpy as np

from mnistlab.blocks.layers.dense import shared_input, sparse_input
from mnistlab.blocks.layers.dense.maths import bias_gradient
from mnistlab.runtime.actions import MOMENTUM
from mnistlab.runtime.compiler import generic_kernel
from mnistlab.runtime.dither import BY_ELEMENT, MASK, PENALTY, dither_of
from mnistlab.runtime.gather import AHEAD, take_labels
from mnistlab.runtime.group_loop import memory_of
from mnistlab.runtime.kernel import kernel, named, view
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.op import Operands
from mnistlab.runtime.parts import momentum_of, slot, state_of
from mnistlab.runtime.vectors import REGISTER, load, store

# `Memory.settings` has for each network: the factors of the penalties' own step, whether these are
# multiplied by the learning rate, and the factor of the proximal step, which always is.
L1, L2, BY_RATE, THRESHOLD, SETTINGS = range(5)


class SharedInputOperands(Operands):
    """Operands of first layers of `units` units each, for images of `inputs` pixels."""

    networks: int
    units: int
    inputs: int
    lanes_order: bool  # whether a single network sums like a layer of few outputs
    tile: int  # columns of a tile of the wide matrix
    tiles: int  # number of tiles
    gradient_action: int  # SGD or MOMENTUM
    lr_scale: float
    y: int  # slot in every network's memory
    weight: int  # offset in every network's parameter vector
    bias: int
    biases: int  # elements; 0 for none
    # Of a single network in its training loop: the element of the weight of input 0 and unit 0, and
    # the distances between inputs and between units.
    element: int
    by_input: int
    by_unit: int


@view
def tile_of(op: Any, values: np.ndarray, t: int) -> np.ndarray:
    """Tile t of the wide matrix, or of its velocity, in a flat vector."""
    size = op.inputs * op.tile
    return values[t * size :][:size]


@view
def scratch_rows(op: Any, m: Memory, number: int, count: int) -> np.ndarray:
    """`count` vectors of scratch, each with a tile's columns, from vector `number` on."""
    return m.scratch[number * op.tile :][: count * op.tile]


# Where the parts of the scratch begin: two sets of the batch's rows, values by column, sums.
ROWS_IN, ROWS_OUT = 0, sparse_input.LISTED
COLUMNS = 2 * sparse_input.LISTED
SUMS = COLUMNS + 2
SCRATCH_VECTORS = SUMS + sparse_input.LISTED * shared_input.LEVELS


@kernel
def networks_of(op: Any, t: int) -> tuple[int, int]:
    """The networks [from, to) with columns in tile t."""
    return t * op.tile // op.units, min(op.networks, ((t + 1) * op.tile - 1) // op.units + 1)


@kernel
def columns_of(op: Any, t: int, n: int) -> tuple[int, int, int]:
    """Network n in tile t: its first unit there, its first column, and the number of columns."""
    begin = max(n * op.units, t * op.tile)
    end = min((n + 1) * op.units, (t + 1) * op.tile)
    return begin - n * op.units, begin - t * op.tile, end - begin


@kernel
def copy_rows(
    source: np.ndarray,
    begin: int,
    apart: int,
    target: np.ndarray,
    to: int,
    target_apart: int,
    rows: int,
    width: int,
) -> None:
    """Copy `rows` pieces of `width` elements, `apart` from each other, between flat arrays."""
    for i in range(rows):
        for j in range(0, width, REGISTER):
            at, left = begin + i * apart + j, width - j
            if left >= REGISTER:
                store(target, to + i * target_apart + j, load(source, at, REGISTER))
            else:
                piece = load(source, at, REGISTER, left)
                store(target, to + i * target_apart + j, piece, left)


@kernel
def turn_networks(op: Any, m: Memory, pack: bool) -> None:
    """Copy between the networks' weights and velocities and the wide ones."""
    for t in range(op.tiles):
        first, last = networks_of(op, t)
        for n in range(first, last):
            own = memory_of(m, m.networks, n)
            unit, column, width = columns_of(op, t, n)
            plain, inputs, units = op.weight + unit, op.inputs, op.units
            W = tile_of(op, m.params, t)
            if pack:
                copy_rows(own.params, plain, units, W, column, op.tile, inputs, width)
            else:
                copy_rows(W, column, op.tile, own.params, plain, units, inputs, width)
            if op.gradient_action == MOMENTUM:
                velocity, V = state_of(own, 0), tile_of(op, m.states, t)
                if pack:
                    copy_rows(velocity, plain, units, V, column, op.tile, inputs, width)
                else:
                    copy_rows(V, column, op.tile, velocity, plain, units, inputs, width)


@kernel
def pack_networks(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    turn_networks(op, m, True)


@kernel
def unpack_networks(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    turn_networks(op, m, False)


@view
def listing(op: Any, m: Memory) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The batch's listing: by image, by pixel, by lanes of a register; the bytes by pixel."""
    size = op.inputs
    words = sparse_input.LISTED * sparse_input.words_of(size)
    by_lane = m.listed_bits[words + size :]
    return m.listed_bits[:words], m.listed_bits[words : words + size], by_lane, m.listed_bytes


def listed_bits(inputs: int, networks_in_lanes_order: bool) -> int:
    """The number of words of a listing."""
    words = sparse_input.LISTED * sparse_input.words_of.py_func(inputs)
    if not networks_in_lanes_order:
        return words + inputs
    # These plain functions call each other; compiled ones would be compiled in this process.
    of_lane = -(-(-(-inputs // sparse_input.WORD) * shared_input.BITS) // sparse_input.WORD)
    return words + inputs + sparse_input.LISTED * of_lane * REGISTER


@kernel
def list_for_networks(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """The batch's labels, and the non-zero pixels of its images, for all networks."""
    take_labels(m, first, 0, rows)
    by_image, by_pixel, by_lane, turned = listing(op, m)
    numbers = m.order[first : first + rows]
    coming = m.order[min(m.order.size, first + AHEAD) :][:rows]
    words = sparse_input.words_of(op.inputs)
    sparse_input.list_nonzero_pixels(
        m.images.reshape(-1), op.inputs, 0, words, numbers, coming, by_image, by_pixel, turned
    )
    if op.lanes_order:
        shared_input.list_by_lanes(by_image, op.inputs, rows, by_lane)


@generic_kernel
def forward(op: Any, m: Memory, rows: int, lanes: int) -> None:
    """Compute the first layers' outputs, in each network's memory."""
    by_image, _, by_lane, turned = listing(op, m)
    bias = scratch_rows(op, m, COLUMNS, 1)
    tile, y = scratch_rows(op, m, ROWS_IN, rows), scratch_rows(op, m, ROWS_OUT, rows)
    sums = scratch_rows(op, m, SUMS, rows * shared_input.LEVELS)
    for t in range(op.tiles):
        W = tile_of(op, m.params, t)
        begin, end = networks_of(op, t)
        bias[:] = 0
        for n in range(begin, end):
            unit, column, width = columns_of(op, t, n)
            if op.biases > 0:
                own = memory_of(m, m.networks, n)
                copy_rows(own.params, op.bias + unit, 0, bias, column, 0, 1, width)
        if op.lanes_order:
            shared_input.forward_by_lanes(
                by_lane, turned, m.pixel_values, op.inputs, rows, W, bias, sums, y, lanes
            )
        else:
            sparse_input.sparse_input_forward(
                by_image, turned, m.pixel_values, op.inputs, 0, rows, W, bias, lanes, tile, y,
                lanes, lanes,
            )  # fmt: skip
        for n in range(begin, end):
            own = memory_of(m, m.networks, n)
            unit, column, width = columns_of(op, t, n)
            place = op.y * own.capacity + unit
            copy_rows(y, column, lanes, own.activations, place, op.units, rows, width)


@generic_kernel
def backward(op: Any, m: Memory, step: int, rows: int, lanes: int) -> None:
    """Take the optimizer's step of all first layers, and compute the gradients of their biases."""
    _, by_pixel, _, turned = listing(op, m)
    rates, dy = scratch_rows(op, m, COLUMNS, 1), scratch_rows(op, m, ROWS_IN, rows)
    for t in range(op.tiles):
        begin, end = networks_of(op, t)
        rates[:] = 0
        dy[:] = 0
        for n in range(begin, end):
            own = memory_of(m, m.networks, n)
            unit, column, width = columns_of(op, t, n)
            lr = own.rates[step - own.rates_from] * op.lr_scale
            rates[column : column + width] = rates.dtype.type(-lr)
            place = op.y * own.capacity + unit
            copy_rows(own.deltas, place, op.units, dy, column, lanes, rows, width)
            if op.biases > 0:
                db = own.grads[op.bias + unit :][:width]
                dz = slot(own.deltas, own, op.y, rows, op.units)[:, unit : unit + width]
                bias_gradient(dz, db, 0.0)
        W, size = tile_of(op, m.params, t), op.inputs
        if op.gradient_action == MOMENTUM:
            velocity = tile_of(op, m.states, t)
            # Networks that train together have the same momentum.
            momentum = momentum_of(memory_of(m, m.networks, 0), step)
            shared_input.momentum_by_columns(
                by_pixel, turned, m.pixel_values, size, dy, W, velocity, rates, momentum, lanes
            )
        else:
            shared_input.sgd_by_columns(by_pixel, turned, m.pixel_values, size, dy, W, rates, lanes)


@cache
def forward_of(lanes: int) -> Any:
    """The op `forward` for tiles of this many columns."""

    def shared_input_forward(
        op: Any, m: Memory, lane: int, step: int, first: int, rows: int
    ) -> None:
        forward(op, m, rows, lanes)

    return kernel(named(shared_input_forward, lanes))


@cache
def backward_of(lanes: int) -> Any:
    """The op `backward` for tiles of this many columns."""

    def shared_input_backward(
        op: Any, m: Memory, lane: int, step: int, first: int, rows: int
    ) -> None:
        backward(op, m, step, rows, lanes)

    return kernel(named(shared_input_backward, lanes))


@kernel
def dithers(op: Any, m: Memory, t: int, step: int, dither: np.ndarray, by_row: np.ndarray) -> None:
    """The dither of each column's first element in tile t, and the increment to the
    next element.
    """
    begin, end = networks_of(op, t)
    for n in range(begin, end):
        unit, column, width = columns_of(op, t, n)
        for j in range(width):
            element = op.element + (unit + j) * op.by_unit
            dither[column + j] = dither_of(m.params, step, element, PENALTY)
            by_row[column + j] = op.by_input * BY_ELEMENT & MASK


@kernel
def penalties(op: Any, m: Memory, t: int, step: int, number: int, of_column: np.ndarray) -> None:
    """One factor of the penalties for each column of tile t, as it applies in this step."""
    begin, end = networks_of(op, t)
    of_column[:] = 0
    for n in range(begin, end):
        own = memory_of(m, m.networks, n)
        _, column, width = columns_of(op, t, n)
        settings = m.settings[n * SETTINGS :][:SETTINGS]
        scaled = number == THRESHOLD or settings[BY_RATE] != 0
        rate = own.rates[step - own.rates_from] * op.lr_scale if scaled else 1.0
        value = rate * settings[number]
        of_column[column : column + width] = of_column.dtype.type(value)


@view
def dither_rows(op: Any, m: Memory) -> tuple[np.ndarray, np.ndarray]:
    """Two integers for each column of a tile: see `dithers`."""
    return m.tap_offsets[: op.tile], m.tap_offsets[op.tile : 2 * op.tile]


@kernel
def descend(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """The penalties' own step, before the loss's: `penalty_descent` for each network."""
    dither, by_row = dither_rows(op, m)
    l1, l2 = scratch_rows(op, m, COLUMNS, 1), scratch_rows(op, m, COLUMNS + 1, 1)
    for t in range(op.tiles):
        dithers(op, m, t, step, dither, by_row)
        penalties(op, m, t, step, L1, l1)
        penalties(op, m, t, step, L2, l2)
        shared_input.descent_by_columns(tile_of(op, m.params, t), l1, l2, dither, by_row)


@kernel
def threshold(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """L1's proximal step, after the loss's: `soft_threshold` for each network."""
    dither, by_row = dither_rows(op, m)
    l1 = scratch_rows(op, m, COLUMNS, 1)
    for t in range(op.tiles):
        dithers(op, m, t, step, dither, by_row)
        penalties(op, m, t, step, THRESHOLD, l1)
        shared_input.threshold_by_columns(tile_of(op, m.params, t), l1, dither, by_row)
