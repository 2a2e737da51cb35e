"""Vectors of many numbers at once, for kernels whose speed must not hang on the compiler's luck.

A vector holds `lanes` neighbouring elements of an array, and is kept in as many of the processor's
registers as it takes: 64 float32 are four of AVX-512, eight of AVX2. `lanes` is a constant of the
kernel, a multiple of 8. Interpreted, a vector is a small numpy array.

To the compiler a vector is pieces of at most 16 lanes: of a vector whose lanes are no power of two
it would make numbers, one by one.

`count` says how many of the lanes there are at all, at the end of an array: the others are loaded
as zero and not stored; of a `count` of 0 or less nothing is touched.
"""

from typing import Any

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, overload, register_model

from mnistlab.runtime.elementary import fma

# float32 that a register of this processor holds.
REGISTER = 16 if llvmlite.binding.get_host_cpu_features().get("avx512f") else 8


class VectorType(types.Type):
    """The compiler's type of a vector: `lanes` numbers of a dtype."""

    def __init__(self, dtype: Any, lanes: int) -> None:
        self.dtype, self.lanes = dtype, lanes
        super().__init__(name=f"Vector({dtype}, {lanes})")


@register_model(VectorType)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, vector: VectorType) -> None:
        element = manager.lookup(vector.dtype).get_value_type()
        pieces = [ir.VectorType(element, size) for _, size in _pieces(vector.lanes)]
        super().__init__(manager, vector, ir.LiteralStructType(pieces))


PIECE = 16


def _pieces(lanes: int) -> list[tuple[int, int]]:
    """Where each piece of a vector begins, and its lanes."""
    starts = range(0, lanes, PIECE)
    return [(start, min(PIECE, lanes - start)) for start in starts]


def load(array: np.ndarray, at: Any, lanes: int, count: int | None = None) -> np.ndarray:
    """The elements [at, at + lanes) of array (n,), or the first `count` of them."""
    vector = np.zeros(lanes, array.dtype)
    present = lanes if count is None else max(0, min(lanes, count))
    vector[:present] = array[at : at + present]
    return vector


def store(array: np.ndarray, at: Any, vector: np.ndarray, count: int | None = None) -> None:
    """Put a vector at [at, at + lanes) of array (n,), or the first `count` of its elements."""
    present = vector.size if count is None else max(0, min(vector.size, count))
    array[at : at + present] = vector[:present]


def spread(value: Any, lanes: int) -> np.ndarray:
    """The same number in every lane."""
    return np.full(lanes, value)


def dot(a: np.ndarray, b: np.ndarray) -> Any:
    """Σ aᵢ bᵢ."""
    return (a * b).sum()


def without_first(vector: np.ndarray, count: int) -> np.ndarray:
    """The vector, its first `count` lanes zero."""
    return np.where(np.arange(vector.size) < count, vector.dtype.type(0), vector)


def set_bits(array: np.ndarray, at: int, count: int) -> Any:
    """Which of the elements [at, at + count) of array (n,) are not zero: bit i for at + i.

    A `count` of 1 to 64; NaN is not zero.
    """
    return sum(1 << i for i in range(count) if array[at + i] != 0)


def lowest_bit(bits: Any) -> Any:
    """The number of the lowest bit that is set in `bits`, which is not zero."""
    return (int(bits) & -int(bits)).bit_length() - 1


def prefetch(array: np.ndarray, at: int) -> None:
    """Tell the processor that the element `at` of array (n,) will soon be read."""


_INDEX = ir.IntType(32)


def bytes_of(dtype: Any) -> int:
    return int(dtype.bitwidth // 8)


def _letters(kind: ir.Type) -> str:
    """The compiler's name of a type of floating-point numbers, or of a vector of them."""
    if isinstance(kind, ir.VectorType):
        return f"v{kind.count}{_letters(kind.element)}"
    return {ir.FloatType(): "f32", ir.DoubleType(): "f64"}[kind]


def place_of(context: Any, builder: Any, array_type: Any, array: Any, at: Any, kind: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [at]), kind.as_pointer())


def _places(context: Any, builder: Any, array_type: Any, array: Any, at: Any, vector: Any) -> Any:
    """(number, type, place in memory, first lane) of each piece of a vector at array[at]."""
    kinds = context.get_value_type(vector).elements
    for number, (kind, (start, _)) in enumerate(zip(kinds, _pieces(vector.lanes), strict=True)):
        begin = builder.add(at, ir.Constant(at.type, start))
        yield number, kind, place_of(context, builder, array_type, array, begin, kind), start


def _splat(builder: Any, value: Any, lanes: int) -> Any:
    vector = ir.VectorType(value.type, lanes)
    undefined = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undefined, value, ir.Constant(_INDEX, 0))
    zeros = ir.Constant(ir.VectorType(_INDEX, lanes), [0] * lanes)
    return builder.shuffle_vector(first, undefined, zeros)


def _present(builder: Any, count: Any, start: int, lanes: int) -> Any:
    """The mask of those of the lanes from `start` on that are below `count`, any int64."""
    most = ir.Constant(count.type, start + lanes)
    fewer = builder.select(builder.icmp_signed("<", count, most), count, most)
    numbers = ir.Constant(ir.VectorType(_INDEX, lanes), list(range(start, start + lanes)))
    return builder.icmp_signed("<", numbers, _splat(builder, builder.trunc(fewer, _INDEX), lanes))


def _lanes(value: Any) -> int:
    return int(value.literal_value)


@intrinsic(prefer_literal=True)
def _load(typing_context, array, at, lanes):  # type: ignore[no-untyped-def]
    vector = VectorType(array.dtype, _lanes(lanes))

    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        loaded = ir.Constant(context.get_value_type(vector), ir.Undefined)
        for number, _, place, _ in _places(context, builder, array, *values[:2], vector):
            piece = builder.load(place)
            piece.align = bytes_of(array.dtype)
            loaded = builder.insert_value(loaded, piece, number)
        return loaded

    return vector(array, types.int64, lanes), codegen


@intrinsic(prefer_literal=True)
def _load_some(typing_context, array, at, lanes, count):  # type: ignore[no-untyped-def]
    vector = VectorType(array.dtype, _lanes(lanes))

    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        align = ir.Constant(_INDEX, bytes_of(array.dtype))
        loaded = ir.Constant(context.get_value_type(vector), ir.Undefined)
        for number, kind, place, start in _places(context, builder, array, *values[:2], vector):
            mask = _present(builder, values[3], start, kind.count)
            function_type = ir.FunctionType(kind, [place.type, _INDEX, mask.type, kind])
            name = f"llvm.masked.load.{_letters(kind)}.p0"
            function = cgutils.get_or_insert_function(builder.module, function_type, name)
            piece = builder.call(function, [place, align, mask, ir.Constant(kind, None)])
            loaded = builder.insert_value(loaded, piece, number)
        return loaded

    return vector(array, types.int64, lanes, types.int64), codegen


@intrinsic
def _store(typing_context, array, at, vector):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        for number, _, place, _ in _places(context, builder, array, *values[:2], vector):
            piece = builder.extract_value(values[2], number)
            builder.store(piece, place).align = bytes_of(array.dtype)
        return context.get_dummy_value()

    return types.void(array, types.int64, vector), codegen


@intrinsic
def _store_some(typing_context, array, at, vector, count):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        align = ir.Constant(_INDEX, bytes_of(array.dtype))
        for number, kind, place, start in _places(context, builder, array, *values[:2], vector):
            mask = _present(builder, values[3], start, kind.count)
            function_type = ir.FunctionType(ir.VoidType(), [kind, place.type, _INDEX, mask.type])
            name = f"llvm.masked.store.{_letters(kind)}.p0"
            function = cgutils.get_or_insert_function(builder.module, function_type, name)
            piece = builder.extract_value(values[2], number)
            builder.call(function, [piece, place, align, mask])
        return context.get_dummy_value()

    return types.void(array, types.int64, vector, types.int64), codegen


@intrinsic(prefer_literal=True)
def _spread(typing_context, value, lanes):  # type: ignore[no-untyped-def]
    vector = VectorType(value, _lanes(lanes))

    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        everywhere = ir.Constant(context.get_value_type(vector), ir.Undefined)
        for number, (_, size) in enumerate(_pieces(vector.lanes)):
            piece = _splat(builder, values[0], size)
            everywhere = builder.insert_value(everywhere, piece, number)
        return everywhere

    return vector(value, lanes), codegen


def _multiply_add(builder: Any, a: Any, b: Any, c: Any) -> Any:
    function_type = ir.FunctionType(a.type, [a.type] * 3)
    name = f"llvm.fmuladd.{_letters(a.type)}"
    return builder.call(
        cgutils.get_or_insert_function(builder.module, function_type, name), [a, b, c]
    )


@intrinsic
def _fma(typing_context, a, b, c):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        if not isinstance(a, VectorType):
            return _multiply_add(builder, *values)
        result = ir.Constant(context.get_value_type(a), ir.Undefined)
        for number in range(len(_pieces(a.lanes))):
            pieces = [builder.extract_value(value, number) for value in values]
            result = builder.insert_value(result, _multiply_add(builder, *pieces), number)
        return result

    return a(a, a, a), codegen


# An addition with a flag of its own is given no others: `reassoc` would let its order change.
IN_ORDER = ("nsz",)


def _sum_of_lanes(builder: Any, value: Any) -> Any:
    lanes = value.type.count
    while lanes > 1:
        lanes //= 2
        kind = ir.VectorType(_INDEX, lanes)
        low, high = (
            builder.shuffle_vector(
                value, value, ir.Constant(kind, list(range(start, start + lanes)))
            )
            for start in (0, lanes)
        )
        value = builder.fadd(low, high, flags=IN_ORDER)
    return builder.extract_element(value, ir.Constant(_INDEX, 0))


@intrinsic
def _dot(typing_context, a, b):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        sums: dict[int, Any] = {}  # of the products of all pieces of so many lanes
        for number, (_, size) in enumerate(_pieces(a.lanes)):
            x, y = (builder.extract_value(value, number) for value in values)
            sums[size] = (
                _multiply_add(builder, x, y, sums[size]) if size in sums else builder.fmul(x, y)
            )
        total, *others = [_sum_of_lanes(builder, products) for products in sums.values()]
        for other in others:
            total = builder.fadd(total, other, flags=IN_ORDER)
        return total

    return a.dtype(a, a), codegen


@intrinsic
def _without_first(typing_context, vector, count):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        result = values[0]
        for number, (start, size) in enumerate(_pieces(vector.lanes)):
            piece = builder.extract_value(values[0], number)
            gone = _present(builder, values[1], start, size)
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


@intrinsic
def _lowest_bit(typing_context, bits):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        return builder.cttz(values[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), codegen


@intrinsic
def _prefetch(typing_context, array, at):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        byte = ir.IntType(8)
        place = place_of(context, builder, array, values[0], values[1], byte)
        function_type = ir.FunctionType(ir.VoidType(), [place.type, *[_INDEX] * 3])
        function = cgutils.get_or_insert_function(builder.module, function_type, "llvm.prefetch.p0")
        # To read, keep near, data.
        builder.call(function, [place, *(ir.Constant(_INDEX, value) for value in (0, 3, 1))])
        return context.get_dummy_value()

    return types.void(array, types.int64), codegen


@overload(load, inline="always", prefer_literal=True)
def _compiled_load(array, at, lanes, count=None):  # type: ignore[no-untyped-def]
    if count is None or isinstance(count, types.NoneType | types.Omitted):
        return lambda array, at, lanes, count=None: _load(array, at, lanes)
    return lambda array, at, lanes, count=None: _load_some(array, at, lanes, count)


@overload(store, inline="always")
def _compiled_store(array, at, vector, count=None):  # type: ignore[no-untyped-def]
    if count is None or isinstance(count, types.NoneType | types.Omitted):
        return lambda array, at, vector, count=None: _store(array, at, vector)
    return lambda array, at, vector, count=None: _store_some(array, at, vector, count)


@overload(spread, inline="always", prefer_literal=True)
def _compiled_spread(value, lanes):  # type: ignore[no-untyped-def]
    return lambda value, lanes: _spread(value, lanes)


@overload(fma, inline="always")
def _compiled_fma(a, b, c):  # type: ignore[no-untyped-def]
    return lambda a, b, c: _fma(a, b, c)


@overload(dot, inline="always")
def _compiled_dot(a, b):  # type: ignore[no-untyped-def]
    return lambda a, b: _dot(a, b)


@overload(without_first, inline="always")
def _compiled_without_first(vector, count):  # type: ignore[no-untyped-def]
    return lambda vector, count: _without_first(vector, count)


@overload(set_bits, jit_options={"forceinline": True})
def _compiled_set_bits(array, at, count):  # type: ignore[no-untyped-def]
    def bits_of(array, at, count):  # type: ignore[no-untyped-def]
        # Where 64 elements can be read, they are: to read fewer takes a branch for each.
        if at + 64 <= array.size:
            present = np.uint64(2**64 - 1) >> np.uint64(64 - count)
            return _set_bits(array, at) & present
        bits = np.uint64(0)
        for i in range(count):
            bits |= np.uint64(array[at + i] != 0) << np.uint64(i)
        return bits

    return bits_of


@overload(lowest_bit, inline="always")
def _compiled_lowest_bit(bits):  # type: ignore[no-untyped-def]
    return lambda bits: _lowest_bit(bits)


@overload(prefetch, inline="always")
def _compiled_prefetch(array, at):  # type: ignore[no-untyped-def]
    return lambda array, at: _prefetch(array, at)
