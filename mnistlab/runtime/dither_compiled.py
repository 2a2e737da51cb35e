"""The compiled versions of dither.py."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import overload

from mnistlab.runtime.compiled_as import compiled_as
from mnistlab.runtime.dither import (
    BY_ELEMENT,
    HALF,
    MASK,
    NONE,
    dither_of,
    dithered,
    dithered_where,
    power_of_two,
    spread_evenly,
    step_down,
)
from mnistlab.runtime.options import OPTIONS

# Options of `overload`.
_JIT: Any = OPTIONS
_WORD = ir.IntType(32)


# 32-bit from the beginning: a register holds half as many 64-bit numbers.
@compiled_as(spread_evenly)
def _compiled_spread_evenly(typing_context, dither, i):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        start, number = (builder.trunc(value, _WORD) for value in values)
        x = builder.add(start, builder.mul(number, ir.Constant(_WORD, BY_ELEMENT)))
        return builder.sitofp(x, ir.FloatType())

    return types.float32(types.int64, types.int64), codegen


@compiled_as(power_of_two)
def _compiled_power_of_two(typing_context, w):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        exponent = builder.and_(builder.bitcast(values[0], _WORD), ir.Constant(_WORD, 0x7F800000))
        return builder.bitcast(exponent, ir.FloatType())

    return types.float32(types.float32), codegen


# With all of a kernel's fast math, the compiler would first subtract the step, and lose it.
# `contract` changes nothing here. Without it, the plain step would not have it either: the compiler
# merges both subtractions, and keeps what they have in common.
@overload(dithered, jit_options=_JIT | {"fastmath": {"contract"}}, strict=False)
def _overloaded_dithered(w, step, dither, i):  # type: ignore[no-untyped-def]
    return dithered


@overload(dithered_where, jit_options=_JIT | {"fastmath": {"contract"}}, strict=False)
def _overloaded_dithered_where(wanted, w, step, dither, i):  # type: ignore[no-untyped-def]
    return dithered_where


@overload(step_down, jit_options=_JIT, strict=False)
def _overloaded_step_down(w, step, dither, i):  # type: ignore[no-untyped-def]
    if w != types.float32:
        return lambda w, step, dither, i: w - step
    # The compiler makes a loop of each case, as `dither` is the same for all elements.
    return lambda w, step, dither, i: w - step if dither == NONE else dithered(w, step, dither, i)


@overload(dither_of, jit_options=_JIT, strict=False)
def _overloaded_dither_of(W, step, element, kind):  # type: ignore[no-untyped-def]
    if W.dtype != types.float32:
        return lambda W, step, element, kind: NONE
    return lambda W, step, element, kind: (element * BY_ELEMENT + step * kind + HALF) & MASK
