"""Compiled tables of ops: from the cache where it has them, and made once where it has not."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mnistlab.engine.epoch import run_batches, run_batches_types
from mnistlab.engine.program import Op, assemble
from mnistlab.kernels import jit


def compile_tables(
    lists: Sequence[tuple[Op, ...]],
    dtype: np.dtype[Any],
    tell: Callable[[str], None] = lambda text: None,
) -> list[np.ndarray]:
    """A table, OP_DTYPE (ops,), for each list of ops.

    What the cache lacks is compiled under a lock, so that of many processes one compiles, and
    `tell` is told before and after.
    """
    loop = (run_batches, run_batches_types(dtype))
    needed = [loop, *(one for ops in lists for op in ops for one in op.functions(dtype))]

    def missing() -> set[Any]:
        return {function for function in needed if not jit.is_compiled(*function)}

    def load() -> list[np.ndarray]:
        jit.compile_for(*loop)
        return [assemble(ops, dtype) for ops in lists]

    if not missing():
        return load()
    with jit.compile_lock(waiting=lambda: tell("another process compiles the engine; waiting …")):
        left = missing()  # what was waited for may be all
        if not left:
            return load()
        tell("compiling the engine for this processor; once only, later runs start at once …")
        started = time.perf_counter()
        tables = load()
        for function in left:
            jit.mark_compiled(*function)
    tell(f"compiled in {time.perf_counter() - started:.0f} s")
    return tables
