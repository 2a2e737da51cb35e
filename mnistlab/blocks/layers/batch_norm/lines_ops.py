"""Batch normalisation's ops by lines of neighbours: of maps, and of units."""

from typing import Any

import numpy as np

from mnistlab.blocks.layers.batch_norm import lines, maths
from mnistlab.blocks.layers.batch_norm.ops import BatchNormOperands, statistics_of, vector_of
from mnistlab.runtime.kernel import kernel, view
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.parts import flat, rows_of, scratch_of


class LinesOperands(BatchNormOperands):
    """Of batch normalisation by lines."""

    sums: int = 0  # offset in the scratch of four sums for each unit
    scratch: int = 0  # in evaluation: elements that each lane has, …
    scratch_at: int = 0  # … which begin here


@view
def values_of(op: Any, values: np.ndarray, m: Memory, start: int, rows: int) -> np.ndarray:
    """A slot's rows as one vector."""
    return flat(values, m, start, 0, rows, op.channels * op.positions)


@view
def sums_of(op: Any, m: Memory) -> np.ndarray:
    """The sums (4, channels) of units."""
    size = lines.SUMS * op.channels
    return m.scratch[op.sums : op.sums + size].reshape(lines.SUMS, op.channels)


@kernel
def maps_forward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, op.channels, lane)
    x = values_of(op, m.activations, m, op.x, rows)
    y = values_of(op, m.activations, m, op.y, rows)
    statistics = statistics_of(op, m)
    for c in range(a, b):
        lines.map_statistics(x, rows, op.channels, op.positions, c, op.epsilon, statistics)
        scale, shift = m.params[op.scale + c], m.params[op.shift + c]
        lines.map_forward(x, rows, op.channels, op.positions, c, scale, shift, statistics, y)


@kernel
def maps_backward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, op.channels, lane)
    x = values_of(op, m.activations, m, op.x, rows)
    dy = values_of(op, m.deltas, m, op.y, rows)
    dx = values_of(op, m.deltas, m, op.x, rows)
    statistics, scale = statistics_of(op, m), vector_of(op, m.params, op.scale)
    dscale, dshift = vector_of(op, m.grads, op.scale), vector_of(op, m.grads, op.shift)
    channels, positions = op.channels, op.positions
    for c in range(a, b):
        lines.map_backward_weights(x, dy, rows, channels, positions, c, statistics, dscale, dshift)
        if op.sends:
            lines.map_backward_input(
                x, dy, rows, channels, positions, c, statistics, scale, dscale, dshift, dx
            )


@kernel
def units_forward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, op.channels, lane)
    x = values_of(op, m.activations, m, op.x, rows)
    y = values_of(op, m.activations, m, op.y, rows)
    statistics, sums = statistics_of(op, m), sums_of(op, m)
    scale, shift = vector_of(op, m.params, op.scale), vector_of(op, m.params, op.shift)
    lines.unit_statistics(x, rows, op.channels, a, b, op.epsilon, sums, statistics)
    lines.unit_forward(x, rows, op.channels, a, b, scale, shift, sums, statistics, y)


@kernel
def units_backward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, op.channels, lane)
    x = values_of(op, m.activations, m, op.x, rows)
    dy = values_of(op, m.deltas, m, op.y, rows)
    dx = values_of(op, m.deltas, m, op.x, rows)
    statistics, sums = statistics_of(op, m), sums_of(op, m)
    scale = vector_of(op, m.params, op.scale)
    dscale, dshift = vector_of(op, m.grads, op.scale), vector_of(op, m.grads, op.shift)
    channels = op.channels
    lines.unit_backward_weights(x, dy, rows, channels, a, b, statistics, sums, dscale, dshift)
    if op.sends:
        lines.unit_backward_input(
            x, dy, rows, channels, a, b, statistics, scale, dscale, dshift, sums, dx
        )


@kernel
def set_running_factors(op: Any, m: Memory, factor: np.ndarray) -> None:
    """What the values of each channel are multiplied by in evaluation."""
    scale = vector_of(op, m.params, op.scale)
    variance = vector_of(op, m.params, op.running_variance)
    maths.running_factors(scale, variance, op.epsilon, factor)


@kernel
def running_maps(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """In evaluation: a lane's images by the running statistics."""
    a, b = rows_of(op, rows, lane)
    x = values_of(op, m.activations, m, op.x, rows)
    y = values_of(op, m.activations, m, op.y, rows)
    factor = scratch_of(op, m, lane)[: op.channels]
    set_running_factors(op, m, factor)
    for i in range(a, b):
        for c in range(op.channels):
            number = i * op.channels + c
            lines.line_forward(
                lines.line_of(x, number, op.positions),
                m.params[op.running_mean + c],
                factor[c],
                m.params[op.shift + c],
                lines.line_of(y, number, op.positions),
            )


@kernel
def running_units(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """In evaluation: a lane's images by the running statistics."""
    a, b = rows_of(op, rows, lane)
    x = values_of(op, m.activations, m, op.x, rows)
    y = values_of(op, m.activations, m, op.y, rows)
    factor = scratch_of(op, m, lane)[: op.channels]
    set_running_factors(op, m, factor)
    mean, shift = vector_of(op, m.params, op.running_mean), vector_of(op, m.params, op.shift)
    for i in range(a, b):
        lines.row_forward(
            lines.line_of(x, i, op.channels),
            mean,
            factor,
            shift,
            lines.line_of(y, i, op.channels),
        )
