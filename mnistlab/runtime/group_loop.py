"""The memories of several networks as one array, and the loop that trains the networks together.

The loop is that of loop.py on one thread, but each op has the number of its memory. The ops of all
networks are in one table. Ops whose results all networks share, such as the list of a batch's
non-zero pixels, are in it once. A batch is not divided into parts.
"""

from collections.abc import Sequence
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import types

from mnistlab.runtime.compiled_as import compiled_as
from mnistlab.runtime.kernel import Kernel, kernel
from mnistlab.runtime.loop import ROW_DTYPE, run_op
from mnistlab.runtime.memory import Memory, memory_type


def memory_of(like: Memory, memories: np.ndarray, number: int) -> Memory:
    """The memory with this number; `like` is any Memory of the same dtype."""
    return memories[number]


def put_memory(memory: Memory, memories: np.ndarray, number: int) -> None:
    """Write a memory into `memories` at this number; its arrays are not copied."""
    memories[number] = memory


def size_of_memory(like: Memory) -> int:
    """The number of elements of a memory in `memories`."""
    return 1


@kernel
def put(memory: Memory, memories: np.ndarray, number: int) -> None:
    put_memory(memory, memories, number)


@kernel
def size_of(like: Memory) -> int:
    return size_of_memory(like)


def side_by_side(memories: Sequence[Memory], interpreted: bool) -> np.ndarray:
    """The loop's argument for these memories; valid while they are referenced elsewhere."""
    if interpreted:
        together = np.empty(len(memories), object)
    else:
        together = np.zeros(len(memories) * size_of(memories[0]), np.int64)
    for number, memory in enumerate(memories):
        put(memory, together, number)
    return together


def _place(context: Any, builder: Any, kind: Any, array_type: Any, array: Any, number: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    pointer = builder.bitcast(data, context.get_data_type(kind).as_pointer())
    return builder.gep(pointer, [number])


@compiled_as(memory_of)
def _compiled_memory_of(typing_context, like, memories, number):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        place = _place(context, builder, like, memories, *values[1:])
        return context.data_model_manager[like].load_from_data_pointer(builder, place)

    return like(like, memories, number), codegen


@compiled_as(put_memory)
def _compiled_put_memory(typing_context, memory, memories, number):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        place = _place(context, builder, memory, memories, *values[1:])
        data = context.data_model_manager[memory].as_data(builder, values[0])
        builder.store(data, place)
        return context.get_dummy_value()

    return types.void(memory, memories, number), codegen


@compiled_as(size_of_memory)
def _compiled_size_of_memory(typing_context, like):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        size = context.get_abi_sizeof(context.get_data_type(like))
        return ir.Constant(ir.IntType(64), size // 8)

    return types.int64(like), codegen


@kernel
def run_group(
    ops: np.ndarray,
    numbers: np.ndarray,
    m: Memory,
    memories: np.ndarray,
    count: int,
    batch: int,
    images: int,
    start: int,
    stop: int,
    step: int,
) -> int:
    """Run `ops` on the batches [start, stop) of `m.order[:images]`; the last may be smaller.

    ops ROW_DTYPE (ops,); numbers int64 (ops,), the memory of each op. `memories` has `count`
    memories; m is one of them. All share m's order and batch. `step` is the number of the first
    batch's step. Returns the number of batches done. It ends after the first batch in which a
    network's loss is not finite.
    """
    for index in range(start, stop):
        first = index * batch
        rows = min(first + batch, images) - first
        m.batch[0], m.batch[1] = 0, rows
        for k in range(ops.size):
            own = memory_of(m, memories, numbers[k])
            for lane in range(ops[k].lanes):
                run_op(ops[k], own, lane, step + index - start, first, rows)
        for number in range(count):
            if not np.isfinite(memory_of(m, memories, number).totals[0]):
                return index - start + 1
    return stop - start


def loops_of_groups(dtype: np.dtype[Any]) -> list[tuple[Kernel, tuple[Any, ...]]]:
    """The kernels to compile for groups, with the types of their arguments."""
    memory, number, numbers = memory_type(dtype), types.int64, types.int64[::1]
    rows = numba.from_dtype(ROW_DTYPE)[::1]
    return [
        (size_of, (memory,)),
        (put, (memory, numbers, number)),
        (run_group, (rows, numbers, memory, numbers, *[number] * 6)),
    ]
