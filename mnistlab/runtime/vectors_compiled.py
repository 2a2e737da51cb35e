"""Compiled versions of vectors.py: what a vector is, and how it is loaded and stored.

For the compiler a vector is pieces of at most 16 lanes: LLVM would split a vector whose number of
lanes is not a power of two into single numbers.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import models, register_model

from mnistlab.runtime.compiled_as import compiled_as, is_left_out
from mnistlab.runtime.vectors import (
    REGISTER,
    in_register,
    load,
    load_pairs,
    prefetch,
    spread,
    store,
    store_pairs,
)


class VectorType(types.Type):
    """The compiler's type of a vector: `lanes` numbers of a dtype."""

    def __init__(self, dtype: Any, lanes: int) -> None:
        self.dtype, self.lanes = dtype, lanes
        super().__init__(name=f"Vector({dtype}, {lanes})")


@register_model(VectorType)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, vector: VectorType) -> None:
        element = manager.lookup(vector.dtype).get_value_type()
        pieces = [ir.VectorType(element, size) for _, size in pieces_of(vector.lanes)]
        super().__init__(manager, vector, ir.LiteralStructType(pieces))


PIECE = 16


def pieces_of(lanes: int) -> list[tuple[int, int]]:
    """The first lane of each piece of a vector, and its number of lanes."""
    starts = range(0, lanes, PIECE)
    return [(start, min(PIECE, lanes - start)) for start in starts]


INDEX = ir.IntType(32)


def bytes_of(dtype: Any) -> int:
    return int(dtype.bitwidth // 8)


def letters(kind: ir.Type) -> str:
    """The compiler's name of a floating-point type, or of a vector of it."""
    if isinstance(kind, ir.VectorType):
        return f"v{kind.count}{letters(kind.element)}"
    return {ir.FloatType(): "f32", ir.DoubleType(): "f64"}[kind]


def place_of(context: Any, builder: Any, array_type: Any, array: Any, at: Any, kind: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [at]), kind.as_pointer())


def _beyond(
    context: Any, builder: Any, array_type: Any, array: Any, at: Any, begin: int, kind: Any
) -> Any:
    """The address of a piece at array[at + begin]."""
    place = builder.add(at, ir.Constant(at.type, begin))
    return place_of(context, builder, array_type, array, place, kind)


def _places(context: Any, builder: Any, array_type: Any, array: Any, at: Any, vector: Any) -> Any:
    """(index, type, address, first lane) of each piece of a vector at array[at]."""
    kinds = context.get_value_type(vector).elements
    for number, (kind, (start, _)) in enumerate(zip(kinds, pieces_of(vector.lanes), strict=True)):
        yield number, kind, _beyond(context, builder, array_type, array, at, start, kind), start


def _splat(builder: Any, value: Any, lanes: int) -> Any:
    vector = ir.VectorType(value.type, lanes)
    undefined = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undefined, value, ir.Constant(INDEX, 0))
    zeros = ir.Constant(ir.VectorType(INDEX, lanes), [0] * lanes)
    return builder.shuffle_vector(first, undefined, zeros)


def present(builder: Any, count: Any, start: int, lanes: int) -> Any:
    """The mask of those lanes, counted from `start`, that are below `count`, any int64."""
    most = ir.Constant(count.type, start + lanes)
    fewer = builder.select(builder.icmp_signed("<", count, most), count, most)
    numbers = ir.Constant(ir.VectorType(INDEX, lanes), list(range(start, start + lanes)))
    return builder.icmp_signed("<", numbers, _splat(builder, builder.trunc(fewer, INDEX), lanes))


def _masked_load(builder: Any, place: Any, kind: Any, dtype: Any, count: Any, start: int) -> Any:
    """The piece at `place`, whose lanes are a vector's from `start` on."""
    mask = present(builder, count, start, kind.count)
    function_type = ir.FunctionType(kind, [place.type, INDEX, mask.type, kind])
    name = f"llvm.masked.load.{letters(kind)}.p0"
    function = cgutils.get_or_insert_function(builder.module, function_type, name)
    align = ir.Constant(INDEX, bytes_of(dtype))
    return builder.call(function, [place, align, mask, ir.Constant(kind, None)])


def _masked_store(
    builder: Any, piece: Any, place: Any, kind: Any, dtype: Any, count: Any, start: int
) -> None:
    """Write a piece to `place`; its lanes are a vector's from `start` on."""
    mask = present(builder, count, start, kind.count)
    function_type = ir.FunctionType(ir.VoidType(), [kind, place.type, INDEX, mask.type])
    name = f"llvm.masked.store.{letters(kind)}.p0"
    function = cgutils.get_or_insert_function(builder.module, function_type, name)
    builder.call(function, [piece, place, ir.Constant(INDEX, bytes_of(dtype)), mask])


def _store_present(
    builder: Any, piece: Any, place: Any, kind: Any, dtype: Any, count: Any, start: int
) -> None:
    """`_masked_store`, but without a mask if the whole piece is present.

    A store with a mask takes tens of cycles on AMD's processors with AVX2 only, whatever the mask.
    """
    whole = builder.icmp_signed(">=", count, ir.Constant(count.type, start + kind.count))
    with builder.if_else(whole, likely=True) as (then, otherwise):
        with then:
            builder.store(piece, place).align = bytes_of(dtype)
        with otherwise:
            _masked_store(builder, piece, place, kind, dtype, count, start)


def _lanes(value: Any) -> int:
    return int(value.literal_value)


@compiled_as(in_register)
def _compiled_in_register(typing_context, array):  # type: ignore[no-untyped-def]
    """A constant, so that no code is compiled for arrays of another dtype."""

    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        numbers = REGISTER * 4 // bytes_of(array.dtype)
        return context.get_constant(types.int64, numbers)

    return types.int64(array), codegen


def _load(array, at, lanes):  # type: ignore[no-untyped-def]
    vector = VectorType(array.dtype, _lanes(lanes))

    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        loaded = ir.Constant(context.get_value_type(vector), ir.Undefined)
        for number, _, place, _ in _places(context, builder, array, *values[:2], vector):
            piece = builder.load(place)
            piece.align = bytes_of(array.dtype)
            loaded = builder.insert_value(loaded, piece, number)
        return loaded

    return vector(array, types.int64, lanes, types.none), codegen


def _load_some(array, at, lanes):  # type: ignore[no-untyped-def]
    vector = VectorType(array.dtype, _lanes(lanes))

    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        loaded = ir.Constant(context.get_value_type(vector), ir.Undefined)
        for number, kind, place, start in _places(context, builder, array, *values[:2], vector):
            piece = _masked_load(builder, place, kind, array.dtype, values[3], start)
            loaded = builder.insert_value(loaded, piece, number)
        return loaded

    return vector(array, types.int64, lanes, types.int64), codegen


@compiled_as(load, prefer_literal=True)
def _compiled_load(typing_context, array, at, lanes, count=None):  # type: ignore[no-untyped-def]
    return _load(array, at, lanes) if is_left_out(count) else _load_some(array, at, lanes)


def _store(array, at, vector):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        for number, _, place, _ in _places(context, builder, array, *values[:2], vector):
            piece = builder.extract_value(values[2], number)
            builder.store(piece, place).align = bytes_of(array.dtype)
        return context.get_dummy_value()

    return types.void(array, types.int64, vector, types.none), codegen


def _store_some(array, at, vector):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        for number, kind, place, start in _places(context, builder, array, *values[:2], vector):
            piece = builder.extract_value(values[2], number)
            _store_present(builder, piece, place, kind, array.dtype, values[3], start)
        return context.get_dummy_value()

    return types.void(array, types.int64, vector, types.int64), codegen


@compiled_as(store)
def _compiled_store(typing_context, array, at, vector, count=None):  # type: ignore[no-untyped-def]
    return _store(array, at, vector) if is_left_out(count) else _store_some(array, at, vector)


@compiled_as(spread, prefer_literal=True)
def _compiled_spread(typing_context, value, lanes):  # type: ignore[no-untyped-def]
    vector = VectorType(value, _lanes(lanes))

    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        everywhere = ir.Constant(context.get_value_type(vector), ir.Undefined)
        for number, (_, size) in enumerate(pieces_of(vector.lanes)):
            piece = _splat(builder, values[0], size)
            everywhere = builder.insert_value(everywhere, piece, number)
        return everywhere

    return vector(value, lanes), codegen


def _halves(builder: Any, a: Any, b: Any, kind: Any, order: list[list[int]]) -> list[Any]:
    """Shuffles of two pieces by lists of lanes."""
    masks = [ir.Constant(ir.VectorType(INDEX, kind.count), lanes) for lanes in order]
    return [builder.shuffle_vector(a, b, mask) for mask in masks]


@compiled_as(load_pairs, prefer_literal=True)
def _compiled_load_pairs(typing_context, array, at, lanes):  # type: ignore[no-untyped-def]
    vector = VectorType(array.dtype, _lanes(lanes))
    pair = types.UniTuple(vector, 2)

    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        halves = [ir.Constant(context.get_value_type(vector), ir.Undefined) for _ in range(2)]
        kinds = context.get_value_type(vector).elements
        for number, (kind, (start, lanes)) in enumerate(
            zip(kinds, pieces_of(vector.lanes), strict=True)
        ):
            pieces = []
            for begin in (2 * start, 2 * start + lanes):
                place = _beyond(context, builder, array, *values[:2], begin, kind)
                pieces.append(builder.load(place))
                pieces[-1].align = bytes_of(array.dtype)
            order = [list(range(first, 2 * lanes, 2)) for first in (0, 1)]
            for half, piece in enumerate(_halves(builder, *pieces, kind, order)):
                halves[half] = builder.insert_value(halves[half], piece, number)
        return context.make_tuple(builder, pair, halves)

    return pair(array, types.int64, lanes), codegen


@compiled_as(store_pairs)
def _compiled_store_pairs(typing_context, array, at, a, b):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        kinds = context.get_value_type(a).elements
        for number, (kind, (start, lanes)) in enumerate(
            zip(kinds, pieces_of(a.lanes), strict=True)
        ):
            pieces = [builder.extract_value(value, number) for value in values[2:4]]
            order = [lane // 2 + lanes * (lane % 2) for lane in range(2 * lanes)]
            pairs = _halves(builder, *pieces, kind, [order[:lanes], order[lanes:]])
            for begin, piece in zip((2 * start, 2 * start + lanes), pairs, strict=True):
                place = _beyond(context, builder, array, *values[:2], begin, kind)
                builder.store(piece, place).align = bytes_of(array.dtype)
        return context.get_dummy_value()

    return types.void(array, types.int64, a, b), codegen


@compiled_as(prefetch)
def _compiled_prefetch(typing_context, array, at):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        byte = ir.IntType(8)
        place = place_of(context, builder, array, values[0], values[1], byte)
        function_type = ir.FunctionType(ir.VoidType(), [place.type, *[INDEX] * 3])
        function = cgutils.get_or_insert_function(builder.module, function_type, "llvm.prefetch.p0")
        # Arguments: read, keep in the nearest cache, data.
        builder.call(function, [place, *(ir.Constant(INDEX, value) for value in (0, 3, 1))])
        return context.get_dummy_value()

    return types.void(array, types.int64), codegen
