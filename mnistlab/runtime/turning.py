"""Transposes squares of numbers: elements of several rows become a vector for each element."""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

from mnistlab.runtime.compiled_as import compiled_as
from mnistlab.runtime.vectors import REGISTER
from mnistlab.runtime.vectors_compiled import bytes_of, place_of

_INDEX = ir.IntType(32)
SIDE = 16  # of the square that `turn` transposes


def turn(
    images: np.ndarray,
    numbers: np.ndarray,
    first: int,
    size: int,
    at: int,
    turned: np.ndarray,
    to: int,
    stride: int,
) -> None:
    """Transpose a square of bytes: SIDE pixels of SIDE images become SIDE images of each pixel.

    Pixel at + k of image numbers[first + i] goes to turned[to + k · stride + i]. images, turned:
    flat uint8; an image has `size` bytes. After the end of `numbers`, int64 (n,), the last image is
    repeated.
    """
    for i in range(SIDE):
        begin = numbers[min(first + i, numbers.size - 1)] * size + at
        turned[to + i : to + i + SIDE * stride : stride][:SIDE] = images[begin : begin + SIDE]


def turn_in(rows: np.ndarray, at: int, size: int, last: int, tile: np.ndarray, to: int) -> None:
    """tile[to + k · REGISTER + i] = rows[i · size + at + k], zero for rows after the `last`.

    rows (n · size,), tile flat; i and k are below REGISTER.
    """
    for i in range(REGISTER):
        row = rows[i * size + at :][:REGISTER] if i <= last else 0
        tile[to + i :: REGISTER][:REGISTER] = row


def turn_out(tile: np.ndarray, at: int, rows: np.ndarray, to: int, size: int, last: int) -> None:
    """rows[i · size + to + k] = tile[at + k · REGISTER + i] for rows up to the `last`."""
    for i in range(min(last, REGISTER - 1) + 1):
        rows[i * size + to :][:REGISTER] = tile[at + i :: REGISTER][:REGISTER]


def _turned(builder: Any, rows: list[Any]) -> list[Any]:
    """The transposed square: log n times, rows i and i + n/2 are interleaved element by element."""
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
    """The offset of row `number`, at most that of the `last`; and whether the row exists."""
    index = ir.Constant(last.type, number)
    present = builder.icmp_signed("<=", index, last)
    row = builder.select(present, index, last)
    return builder.add(begin, builder.mul(row, size)), present


@intrinsic
def _turn(typing_context, images, begins, turned, to, stride):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        kind = ir.VectorType(ir.IntType(8), SIDE)
        square = []
        for i in range(SIDE):
            begin = builder.extract_value(values[1], i)
            row = builder.load(place_of(context, builder, images, values[0], begin, kind))
            row.align = 1
            square.append(row)
        at = values[3]
        for row in _turned(builder, square):
            builder.store(row, place_of(context, builder, turned, values[2], at, kind)).align = 1
            at = builder.add(at, values[4])
        return context.get_dummy_value()

    return types.void(images, begins, turned, types.int64, types.int64), codegen


@overload(turn, inline="always")
def _compiled_turn(images, numbers, first, size, at, turned, to, stride):  # type: ignore[no-untyped-def]
    def square(images, numbers, first, size, at, turned, to, stride):  # type: ignore[no-untyped-def]
        last = numbers.size - 1
        begins = (
            numbers[min(first, last)] * size + at,
            numbers[min(first + 1, last)] * size + at,
            numbers[min(first + 2, last)] * size + at,
            numbers[min(first + 3, last)] * size + at,
            numbers[min(first + 4, last)] * size + at,
            numbers[min(first + 5, last)] * size + at,
            numbers[min(first + 6, last)] * size + at,
            numbers[min(first + 7, last)] * size + at,
            numbers[min(first + 8, last)] * size + at,
            numbers[min(first + 9, last)] * size + at,
            numbers[min(first + 10, last)] * size + at,
            numbers[min(first + 11, last)] * size + at,
            numbers[min(first + 12, last)] * size + at,
            numbers[min(first + 13, last)] * size + at,
            numbers[min(first + 14, last)] * size + at,
            numbers[min(first + 15, last)] * size + at,
        )
        _turn(images, begins, turned, to, stride)

    return square


@compiled_as(turn_in)
def _compiled_turn_in(typing_context, rows, at, size, last, tile, to):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        kind = ir.VectorType(context.get_value_type(rows.dtype), REGISTER)
        align, square = bytes_of(rows.dtype), []
        for i in range(REGISTER):
            begin, present = _row(builder, values[1], values[2], i, values[3])
            row = builder.load(place_of(context, builder, rows, values[0], begin, kind))
            row.align = align
            square.append(builder.select(present, row, ir.Constant(kind, None)))
        to = values[5]
        for row in _turned(builder, square):
            builder.store(row, place_of(context, builder, tile, values[4], to, kind)).align = align
            to = builder.add(to, ir.Constant(to.type, REGISTER))
        return context.get_dummy_value()

    int64 = types.int64
    return types.void(rows, int64, int64, int64, tile, int64), codegen


@compiled_as(turn_out)
def _compiled_turn_out(typing_context, tile, at, rows, to, size, last):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        kind = ir.VectorType(context.get_value_type(rows.dtype), REGISTER)
        align, square, at = bytes_of(rows.dtype), [], values[1]
        for _ in range(REGISTER):
            row = builder.load(place_of(context, builder, tile, values[0], at, kind))
            row.align = align
            square.append(row)
            at = builder.add(at, ir.Constant(at.type, REGISTER))
        # Rows beyond the last are written to the last's offset; the last comes after and overwrites
        # them.
        for i, row in reversed(list(enumerate(_turned(builder, square)))):
            begin, _ = _row(builder, values[3], values[4], i, values[5])
            builder.store(
                row, place_of(context, builder, rows, values[2], begin, kind)
            ).align = align
        return context.get_dummy_value()

    int64 = types.int64
    return types.void(tile, int64, rows, int64, int64, int64), codegen
