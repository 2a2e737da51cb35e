"""Rounds subnormal numbers to zero while the engine computes.

Arithmetic with a number below 1e-38 (float32) takes a processor a hundred times as long. Training
produces many of them: decaying velocities, tiny probabilities. Zero is as good.
"""

import platform

from llvmlite import ir
from numba import types
from numba.core import cgutils

from mnistlab.runtime.compiled_as import compiled_as

_MACHINE = platform.machine().lower()
_X86, _ARM = _MACHINE in ("x86_64", "amd64"), _MACHINE in ("aarch64", "arm64")
# Flush results to zero, treat operands as zero: bits 15 and 6 of MXCSR, bit 24 of FPCR.
_FLUSH_X86, _FLUSH_ARM = 0x8040, 1 << 24


def tiny_to_zero() -> int:
    """From now on subnormal numbers count as zero in this thread; returns the argument of
    `restore`.
    """
    return 0


def restore(before: int) -> None:
    """Restore the rounding of before `tiny_to_zero`."""


def _declared(builder, name, result, arguments):  # type: ignore[no-untyped-def]
    return cgutils.get_or_insert_function(builder.module, ir.FunctionType(result, arguments), name)


def _read(builder):  # type: ignore[no-untyped-def]
    word, wide = ir.IntType(32), ir.IntType(64)
    if _X86:
        place = cgutils.alloca_once(builder, word)
        pointer = builder.bitcast(place, cgutils.voidptr_t)
        builder.call(
            _declared(builder, "llvm.x86.sse.stmxcsr", ir.VoidType(), [cgutils.voidptr_t]),
            [pointer],
        )
        return builder.zext(builder.load(place), wide)
    if _ARM:
        return builder.call(_declared(builder, "llvm.aarch64.get.fpcr", wide, []), [])
    return ir.Constant(wide, 0)


def _write(builder, state):  # type: ignore[no-untyped-def]
    word, wide = ir.IntType(32), ir.IntType(64)
    if _X86:
        place = cgutils.alloca_once(builder, word)
        builder.store(builder.trunc(state, word), place)
        pointer = builder.bitcast(place, cgutils.voidptr_t)
        builder.call(
            _declared(builder, "llvm.x86.sse.ldmxcsr", ir.VoidType(), [cgutils.voidptr_t]),
            [pointer],
        )
    elif _ARM:
        builder.call(_declared(builder, "llvm.aarch64.set.fpcr", ir.VoidType(), [wide]), [state])


@compiled_as(tiny_to_zero)
def _compiled_tiny_to_zero(typing_context):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        before = _read(builder)
        flush = _FLUSH_X86 if _X86 else _FLUSH_ARM
        _write(builder, builder.or_(before, ir.Constant(before.type, flush)))
        return before

    return types.int64(), codegen


@compiled_as(restore)
def _compiled_restore(typing_context, before):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        _write(builder, values[0])
        return context.get_dummy_value()

    return types.void(types.int64), codegen
