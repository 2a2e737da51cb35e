"""Squares of numbers turned: REGISTER elements of as many rows become a vector for each element."""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

from mnistlab.runtime.vectors import REGISTER, _bytes_of, _place

_INDEX = ir.IntType(32)


def turn_in(rows: np.ndarray, at: int, size: int, last: int, tile: np.ndarray, to: int) -> None:
    """tile[to + k · REGISTER + i] = rows[i · size + at + k], zero for rows after the `last`.

    rows (n · size,), tile flat; i and k below REGISTER.
    """
    for i in range(REGISTER):
        row = rows[i * size + at :][:REGISTER] if i <= last else 0
        tile[to + i :: REGISTER][:REGISTER] = row


def turn_out(tile: np.ndarray, at: int, rows: np.ndarray, to: int, size: int, last: int) -> None:
    """rows[i · size + to + k] = tile[at + k · REGISTER + i] for rows up to the `last`."""
    for i in range(min(last, REGISTER - 1) + 1):
        rows[i * size + to :][:REGISTER] = tile[at + i :: REGISTER][:REGISTER]


def _turned(builder: Any, rows: list[Any]) -> list[Any]:
    """Rows i and i + n/2 shuffled like cards, log n times over, are the square turned."""
    side = len(rows)
    half = side // 2
    orders = [
        [lane // 2 + side * (lane % 2) for lane in range(start, start + side)]
        for start in (0, side)
    ]
    masks = [ir.Constant(ir.VectorType(_INDEX, side), order) for order in orders]
    for _ in range(side.bit_length() - 1):
        rows = [
            builder.shuffle_vector(rows[i], rows[i + half], mask)
            for i in range(half)
            for mask in masks
        ]
    return rows


def _row(builder: Any, begin: Any, size: Any, number: int, last: Any) -> tuple[Any, Any]:
    """Where row `number` begins, or the last where that comes first; and whether it is there."""
    index = ir.Constant(last.type, number)
    present = builder.icmp_signed("<=", index, last)
    row = builder.select(present, index, last)
    return builder.add(begin, builder.mul(row, size)), present


@intrinsic
def _turn_in(typing_context, rows, at, size, last, tile, to):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        kind = ir.VectorType(context.get_value_type(rows.dtype), REGISTER)
        align, square = _bytes_of(rows.dtype), []
        for i in range(REGISTER):
            begin, present = _row(builder, values[1], values[2], i, values[3])
            row = builder.load(_place(context, builder, rows, values[0], begin, kind))
            row.align = align
            square.append(builder.select(present, row, ir.Constant(kind, None)))
        to = values[5]
        for row in _turned(builder, square):
            builder.store(row, _place(context, builder, tile, values[4], to, kind)).align = align
            to = builder.add(to, ir.Constant(to.type, REGISTER))
        return context.get_dummy_value()

    int64 = types.int64
    return types.void(rows, int64, int64, int64, tile, int64), codegen


@intrinsic
def _turn_out(typing_context, tile, at, rows, to, size, last):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        kind = ir.VectorType(context.get_value_type(rows.dtype), REGISTER)
        align, square, at = _bytes_of(rows.dtype), [], values[1]
        for _ in range(REGISTER):
            row = builder.load(_place(context, builder, tile, values[0], at, kind))
            row.align = align
            square.append(row)
            at = builder.add(at, ir.Constant(at.type, REGISTER))
        # From the last on: rows that are not there go to the last, which comes after them.
        for i, row in reversed(list(enumerate(_turned(builder, square)))):
            begin, _ = _row(builder, values[3], values[4], i, values[5])
            builder.store(row, _place(context, builder, rows, values[2], begin, kind)).align = align
        return context.get_dummy_value()

    int64 = types.int64
    return types.void(tile, int64, rows, int64, int64, int64), codegen


@overload(turn_in, inline="always")
def _compiled_turn_in(rows, at, size, last, tile, to):  # type: ignore[no-untyped-def]
    return lambda rows, at, size, last, tile, to: _turn_in(rows, at, size, last, tile, to)


@overload(turn_out, inline="always")
def _compiled_turn_out(tile, at, rows, to, size, last):  # type: ignore[no-untyped-def]
    return lambda tile, at, rows, to, size, last: _turn_out(tile, at, rows, to, size, last)
