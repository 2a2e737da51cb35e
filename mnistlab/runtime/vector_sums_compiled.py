"""Computation with vectors: a compiled part of vectors.py, see vectors_compiled.py."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from mnistlab.runtime.compiled_as import compiled_as
from mnistlab.runtime.elementary import fma
from mnistlab.runtime.vectors import (
    dot,
    larger,
    lowest_bit,
    set_bits,
    sums_of,
    where_larger,
    without_first,
)
from mnistlab.runtime.vectors_compiled import (
    INDEX,
    VectorType,
    bytes_of,
    letters,
    pieces_of,
    place_of,
    present,
)

# An addition gets no further flags: `reassoc` would allow another order.
IN_ORDER = ("nsz",)


def _multiply_add(builder: Any, a: Any, b: Any, c: Any) -> Any:
    function_type = ir.FunctionType(a.type, [a.type] * 3)
    name = f"llvm.fmuladd.{letters(a.type)}"
    return builder.call(
        cgutils.get_or_insert_function(builder.module, function_type, name), [a, b, c]
    )


@compiled_as(fma)
def _compiled_fma(typing_context, a, b, c):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        if not isinstance(a, VectorType):
            return _multiply_add(builder, *values)
        result = ir.Constant(context.get_value_type(a), ir.Undefined)
        for number in range(len(pieces_of(a.lanes))):
            pieces = [builder.extract_value(value, number) for value in values]
            result = builder.insert_value(result, _multiply_add(builder, *pieces), number)
        return result

    return a(a, a, a), codegen


def _by_pieces(context: Any, builder: Any, vector: Any, values: Any, make: Any) -> Any:
    """A vector whose pieces are made by `make` from the pieces of other vectors."""
    result = ir.Constant(context.get_value_type(vector), ir.Undefined)
    for number in range(len(pieces_of(vector.lanes))):
        pieces = [builder.extract_value(value, number) for value in values]
        result = builder.insert_value(result, make(*pieces), number)
    return result


@compiled_as(larger)
def _compiled_larger(typing_context, a, b):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        def of(x, y):  # type: ignore[no-untyped-def]
            taken = builder.or_(
                builder.fcmp_ordered(">", y, x), builder.fcmp_unordered("uno", y, y)
            )
            return builder.select(taken, y, x)

        return _by_pieces(context, builder, a, values, of)

    return a(a, a), codegen


@compiled_as(where_larger)
def _compiled_where_larger(typing_context, b, a, x, y):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        def of(b, a, x, y):  # type: ignore[no-untyped-def]
            return builder.select(builder.fcmp_ordered(">", b, a), x, y)

        return _by_pieces(context, builder, a, values, of)

    return a(a, a, a, a), codegen


def _taken(builder: Any, a: Any, b: Any, lanes: Sequence[int]) -> Any:
    """A vector of lanes of a, which come first, and of b."""
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(INDEX, len(lanes)), [*lanes]))


def _added(builder: Any, a: Any, b: Any, lanes: Sequence[int], others: Sequence[int]) -> Any:
    """The sums of some lanes of two vectors and as many others."""
    parts = (_taken(builder, a, b, taken) for taken in (lanes, others))
    return builder.fadd(*parts, flags=IN_ORDER)


def _folded(builder: Any, value: Any, lanes: int) -> Any:
    """The sums of the lanes of a vector that are a multiple of `lanes` apart."""
    while (half := value.type.count // 2) >= lanes:
        value = _added(builder, value, value, range(half), range(half, 2 * half))
    return value


def _sum_of_lanes(builder: Any, value: Any) -> Any:
    return builder.extract_element(_folded(builder, value, 1), ir.Constant(INDEX, 0))


@compiled_as(dot)
def _compiled_dot(typing_context, a, b):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        sums: dict[int, Any] = {}  # of the products of all pieces, by number of lanes
        for number, (_, size) in enumerate(pieces_of(a.lanes)):
            x, y = (builder.extract_value(value, number) for value in values)
            sums[size] = (
                _multiply_add(builder, x, y, sums[size]) if size in sums else builder.fmul(x, y)
            )
        total, *others = [_sum_of_lanes(builder, products) for products in sums.values()]
        for other in others:
            total = builder.fadd(total, other, flags=IN_ORDER)
        return total

    return a.dtype(a, a), codegen


@compiled_as(sums_of)
def _compiled_sums_of(typing_context, a, b, c, d):  # type: ignore[no-untyped-def]
    """Fold each vector to four lanes, then sum all of them as one sums the rows of a matrix."""
    vector = VectorType(a.dtype, 4)

    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        a, b, c, d = (_folded(builder, builder.extract_value(value, 0), 4) for value in values)
        pairs = (_added(builder, *pair, (0, 4, 1, 5), (2, 6, 3, 7)) for pair in ((a, b), (c, d)))
        sums = _added(builder, *pairs, (0, 1, 4, 5), (2, 3, 6, 7))
        result = ir.Constant(context.get_value_type(vector), ir.Undefined)
        return builder.insert_value(result, sums, 0)

    return vector(a, a, a, a), codegen


@compiled_as(without_first)
def _compiled_without_first(typing_context, vector, count):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        result = values[0]
        for number, (start, size) in enumerate(pieces_of(vector.lanes)):
            piece = builder.extract_value(values[0], number)
            gone = present(builder, values[1], start, size)
            piece = builder.select(gone, ir.Constant(piece.type, None), piece)
            result = builder.insert_value(result, piece, number)
        return result

    return vector(vector, types.int64), codegen


@intrinsic
def _set_bits(typing_context, array, at):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        kind = ir.VectorType(context.get_value_type(array.dtype), 64)
        loaded = builder.load(place_of(context, builder, array, *values, kind))
        loaded.align = bytes_of(array.dtype)
        zero = ir.Constant(kind, None)
        if isinstance(array.dtype, types.Float):
            lit = builder.fcmp_unordered("!=", loaded, zero)
        else:
            lit = builder.icmp_unsigned("!=", loaded, zero)
        return builder.bitcast(lit, ir.IntType(64))

    return types.uint64(array, types.int64), codegen


@compiled_as(lowest_bit)
def _compiled_lowest_bit(typing_context, bits):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        return builder.cttz(values[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), codegen


@overload(set_bits, jit_options={"forceinline": True})
def _compiled_set_bits(array, at, count):  # type: ignore[no-untyped-def]
    def bits_of(array, at, count):  # type: ignore[no-untyped-def]
        # If 64 elements can be read, they are: reading fewer needs a branch for each.
        if at + 64 <= array.size:
            present = np.uint64(2**64 - 1) >> np.uint64(64 - count)
            return _set_bits(array, at) & present
        bits = np.uint64(0)
        for i in range(count):
            bits |= np.uint64(array[at + i] != 0) << np.uint64(i)
        return bits

    return bits_of
