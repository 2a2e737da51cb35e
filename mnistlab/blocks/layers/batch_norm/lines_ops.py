"""Batch normalisation's ops by lines of neighbours: of maps, and of units."""

from typing import Any

import numpy as np

from mnistlab.blocks.layers.batch_norm import lines, map_lines, maths, unit_lines
from mnistlab.blocks.layers.batch_norm.ops import BatchNormOperands, statistics_of, vector_of
from mnistlab.runtime.kernel import kernel, view
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.parts import flat, rows_of, scratch_of


class LinesOperands(BatchNormOperands):
    """The operands of batch normalisation by lines."""

    scratch: int = 0  # elements of each lane: its part; in evaluation, a factor for each channel
    scratch_at: int = 0  # where they begin


@view
def values_of(op: Any, values: np.ndarray, m: Memory, start: int, rows: int) -> np.ndarray:
    """A slot's rows as one vector."""
    return flat(values, m, start, 0, rows, op.channels * op.positions)


@view
def part_of(op: Any, m: Memory, lane: int) -> np.ndarray:
    """A lane's part (8, channels), see lines.py."""
    return scratch_of(op, m, lane)[: lines.PART * op.channels].reshape(lines.PART, op.channels)


@view
def parts_of(op: Any, m: Memory) -> np.ndarray:
    """The scratch of all lanes (lanes, elements); each begins with the lane's part."""
    whole = m.scratch[op.scratch_at : op.scratch_at + op.row_lanes * op.scratch]
    return whole.reshape(op.row_lanes, op.scratch)


@kernel
def part_statistics(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    x, part = values_of(op, m.activations, m, op.x, rows), part_of(op, m, lane)
    if op.positions == 1:
        unit_lines.unit_part(x, a, b, op.channels, part)
    else:
        map_lines.map_part(x, a, b, op.channels, op.positions, part)


@kernel
def combine_statistics(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    lines.combine_statistics(parts_of(op, m), op.channels, op.epsilon, statistics_of(op, m))


@kernel
def forward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    x = values_of(op, m.activations, m, op.x, rows)
    y = values_of(op, m.activations, m, op.y, rows)
    statistics, channels = statistics_of(op, m), op.channels
    scale, shift = vector_of(op, m.params, op.scale), vector_of(op, m.params, op.shift)
    if op.positions == 1:
        part = part_of(op, m, lane)
        unit_lines.unit_forward(x, a, b, channels, scale, shift, statistics, part, y)
    else:
        map_lines.map_forward(x, a, b, channels, op.positions, scale, shift, statistics, y)


@kernel
def part_gradients(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    x = values_of(op, m.activations, m, op.x, rows)
    dy = values_of(op, m.deltas, m, op.y, rows)
    statistics, part = statistics_of(op, m), part_of(op, m, lane)
    if op.positions == 1:
        unit_lines.unit_gradient_part(x, dy, a, b, op.channels, statistics, part)
    else:
        map_lines.map_gradient_part(x, dy, a, b, op.channels, op.positions, statistics, part)


@kernel
def combine_gradients(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    dscale, dshift = vector_of(op, m.grads, op.scale), vector_of(op, m.grads, op.shift)
    lines.combine_gradients(parts_of(op, m), statistics_of(op, m), dscale, dshift)


@kernel
def backward_input(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    x = values_of(op, m.activations, m, op.x, rows)
    dy = values_of(op, m.deltas, m, op.y, rows)
    dx = values_of(op, m.deltas, m, op.x, rows)
    statistics, scale = statistics_of(op, m), vector_of(op, m.params, op.scale)
    dscale, dshift = vector_of(op, m.grads, op.scale), vector_of(op, m.grads, op.shift)
    channels, positions, n = op.channels, op.positions, rows * op.positions
    if positions == 1:
        part = part_of(op, m, lane)
        unit_lines.unit_backward_input(
            x, dy, a, b, channels, n, statistics, scale, dscale, dshift, part, dx
        )
    else:
        map_lines.map_backward_input(
            x, dy, a, b, channels, positions, n, statistics, scale, dscale, dshift, dx
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
            map_lines.line_forward(
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
        unit_lines.row_forward(
            lines.line_of(x, i, op.channels),
            mean,
            factor,
            shift,
            lines.line_of(y, i, op.channels),
        )
