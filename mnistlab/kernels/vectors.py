"""Vectors of many numbers at once, for kernels whose speed must not hang on the compiler's luck.

A vector holds `lanes` neighbouring elements of an array, and is kept in as many of the processor's
registers as it takes: 64 float32 are four of AVX-512, eight of AVX2. `lanes` is a constant of the
kernel, a power of two. Interpreted, a vector is a small numpy array.

`count` says how many of the lanes there are at all, at the end of an array: the others are loaded
as zero and not stored; of a `count` of 0 or less nothing is touched.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, overload, register_model


class VectorType(types.Type):
    """The compiler's type of a vector: `lanes` numbers of a dtype."""

    def __init__(self, dtype: Any, lanes: int) -> None:
        self.dtype, self.lanes = dtype, lanes
        super().__init__(name=f"Vector({dtype}, {lanes})")


@register_model(VectorType)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, vector: VectorType) -> None:
        element = manager.lookup(vector.dtype).get_value_type()
        super().__init__(manager, vector, ir.VectorType(element, vector.lanes))


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


def fma(a: Any, b: Any, c: Any) -> Any:
    """a · b + c, of vectors or of numbers; never reassociated, but for numbers in a @kernel."""
    return a * b + c


def dot(a: np.ndarray, b: np.ndarray) -> Any:
    """Σ aᵢ bᵢ, halves on halves."""
    products = a * b
    while products.size > 1:
        half = products.size // 2
        products = products[:half] + products[half:]
    return products[0]


def set_bits(array: np.ndarray, at: int, count: int) -> Any:
    """Which of the elements [at, at + count) of array (n,) are not zero: bit i for at + i.

    A `count` of up to 64; NaN is not zero.
    """
    return sum(1 << i for i in range(count) if array[at + i] != 0)


def lowest_bit(bits: Any) -> Any:
    """The number of the lowest bit that is set in `bits`, which is not zero."""
    return (int(bits) & -int(bits)).bit_length() - 1


def prefetch(array: np.ndarray, at: int) -> None:
    """Tell the processor that the element `at` of array (n,) will soon be read."""


_INDEX = ir.IntType(32)


def _bytes_of(dtype: Any) -> int:
    return int(dtype.bitwidth // 8)


def _letters(vector: VectorType) -> str:
    kind = "f" if isinstance(vector.dtype, types.Float) else "i"
    return f"v{vector.lanes}{kind}{vector.dtype.bitwidth}"


def _place(context: Any, builder: Any, array_type: Any, array: Any, at: Any, vector: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [at]), vector.as_pointer())


def _splat(builder: Any, value: Any, lanes: int) -> Any:
    vector = ir.VectorType(value.type, lanes)
    undefined = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undefined, value, ir.Constant(_INDEX, 0))
    zeros = ir.Constant(ir.VectorType(_INDEX, lanes), [0] * lanes)
    return builder.shuffle_vector(first, undefined, zeros)


def _present(builder: Any, count: Any, lanes: int) -> Any:
    """The mask of the lanes below `count`, an int64 that may be negative or large."""
    most = ir.Constant(count.type, lanes)
    fewer = builder.select(builder.icmp_signed("<", count, most), count, most)
    numbers = ir.Constant(ir.VectorType(_INDEX, lanes), list(range(lanes)))
    return builder.icmp_signed("<", numbers, _splat(builder, builder.trunc(fewer, _INDEX), lanes))


def _lanes(value: Any) -> int:
    return int(value.literal_value)


@intrinsic(prefer_literal=True)
def _load(typing_context, array, at, lanes):  # type: ignore[no-untyped-def]
    vector = VectorType(array.dtype, _lanes(lanes))

    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        kind = context.get_value_type(vector)
        place = _place(context, builder, array, values[0], values[1], kind)
        loaded = builder.load(place)
        loaded.align = _bytes_of(array.dtype)
        return loaded

    return vector(array, types.int64, lanes), codegen


def _loaded(context: Any, builder: Any, array: Any, values: Any, vector: Any) -> Any:
    """The first `count` elements from `at` on; values (array, at, count)."""
    kind = context.get_value_type(vector)
    place = _place(context, builder, array, values[0], values[1], kind)
    mask = _present(builder, values[2], vector.lanes)
    function_type = ir.FunctionType(kind, [place.type, _INDEX, mask.type, kind])
    name = f"llvm.masked.load.{_letters(vector)}.p0"
    function = cgutils.get_or_insert_function(builder.module, function_type, name)
    align = ir.Constant(_INDEX, _bytes_of(array.dtype))
    return builder.call(function, [place, align, mask, ir.Constant(kind, None)])


@intrinsic(prefer_literal=True)
def _load_some(typing_context, array, at, lanes, count):  # type: ignore[no-untyped-def]
    vector = VectorType(array.dtype, _lanes(lanes))

    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        return _loaded(context, builder, array, [*values[:2], values[3]], vector)

    return vector(array, types.int64, lanes, types.int64), codegen


@intrinsic
def _store(typing_context, array, at, vector):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        kind = context.get_value_type(vector)
        place = _place(context, builder, array, values[0], values[1], kind)
        builder.store(values[2], place).align = _bytes_of(array.dtype)
        return context.get_dummy_value()

    return types.void(array, types.int64, vector), codegen


@intrinsic
def _store_some(typing_context, array, at, vector, count):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        kind = context.get_value_type(vector)
        place = _place(context, builder, array, values[0], values[1], kind)
        mask = _present(builder, values[3], vector.lanes)
        function_type = ir.FunctionType(ir.VoidType(), [kind, place.type, _INDEX, mask.type])
        name = f"llvm.masked.store.{_letters(vector)}.p0"
        function = cgutils.get_or_insert_function(builder.module, function_type, name)
        align = ir.Constant(_INDEX, _bytes_of(array.dtype))
        builder.call(function, [values[2], place, align, mask])
        return context.get_dummy_value()

    return types.void(array, types.int64, vector, types.int64), codegen


@intrinsic(prefer_literal=True)
def _spread(typing_context, value, lanes):  # type: ignore[no-untyped-def]
    vector = VectorType(value, _lanes(lanes))

    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        return _splat(builder, values[0], vector.lanes)

    return vector(value, lanes), codegen


@intrinsic
def _fma(typing_context, a, b, c):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        kind = context.get_value_type(a)
        function_type = ir.FunctionType(kind, [kind] * 3)
        letters = _letters(a) if isinstance(a, VectorType) else f"f{a.bitwidth}"
        function = cgutils.get_or_insert_function(
            builder.module, function_type, f"llvm.fmuladd.{letters}"
        )
        return builder.call(function, values)

    return a(a, a, a), codegen


def _sum_of_lanes(builder: Any, value: Any, lanes: int) -> Any:
    while lanes > 1:
        lanes //= 2
        kind = ir.VectorType(_INDEX, lanes)
        low, high = (
            builder.shuffle_vector(
                value, value, ir.Constant(kind, list(range(start, start + lanes)))
            )
            for start in (0, lanes)
        )
        value = builder.fadd(low, high)
    return builder.extract_element(value, ir.Constant(_INDEX, 0))


@intrinsic
def _dot(typing_context, a, b):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        return _sum_of_lanes(builder, builder.fmul(*values), a.lanes)

    return a.dtype(a, a), codegen


@intrinsic
def _set_bits(typing_context, array, at, count):  # type: ignore[no-untyped-def]
    vector = VectorType(array.dtype, 64)

    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        loaded = _loaded(context, builder, array, values, vector)
        zero = ir.Constant(loaded.type, None)
        if isinstance(array.dtype, types.Float):
            lit = builder.fcmp_unordered("!=", loaded, zero)
        else:
            lit = builder.icmp_unsigned("!=", loaded, zero)
        return builder.bitcast(lit, ir.IntType(64))

    return types.uint64(array, types.int64, types.int64), codegen


@intrinsic
def _lowest_bit(typing_context, bits):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        return builder.cttz(values[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), codegen


@intrinsic
def _prefetch(typing_context, array, at):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        byte = ir.IntType(8)
        place = _place(context, builder, array, values[0], values[1], byte)
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


@overload(set_bits, inline="always")
def _compiled_set_bits(array, at, count):  # type: ignore[no-untyped-def]
    return lambda array, at, count: _set_bits(array, at, count)


@overload(lowest_bit, inline="always")
def _compiled_lowest_bit(bits):  # type: ignore[no-untyped-def]
    return lambda bits: _lowest_bit(bits)


@overload(prefetch, inline="always")
def _compiled_prefetch(array, at):  # type: ignore[no-untyped-def]
    return lambda array, at: _prefetch(array, at)
