"""The one compiled loop: it walks a table of ops, batch after batch."""

from typing import Any

import numba
import numpy as np
from numba import prange, types

from mnistlab.engine.program import OP_DTYPE, Memory, memory_type
from mnistlab.kernels.jit import call_address, kernel


@kernel
def run_op(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """Call the op's function, wherever it was compiled."""
    call_address(op.function, op, m, lane, step, first, rows)


@kernel(parallel=True)
def run_batches(
    ops: np.ndarray, m: Memory, batch: int, images: int, start: int, stop: int, step: int
) -> int:
    """Run `ops` on the batches [start, stop) of `m.order[:images]`; the last may be ragged.

    ops OP_DTYPE (ops,); `step` is the number of the first batch's step, counted from the run's
    start. Returns the number of batches done: it ends after the first whose loss is not finite.
    """
    for index in range(start, stop):
        first = index * batch
        rows = min(batch, images - first)
        for number in range(ops.size):
            if ops[number].lanes == 1:
                run_op(ops[number], m, 0, step + index - start, first, rows)
            else:
                for lane in prange(ops[number].lanes):
                    run_op(ops[number], m, lane, step + index - start, first, rows)
        if not np.isfinite(m.totals[0]):
            return index - start + 1
    return stop - start


def run_batches_types(dtype: np.dtype[Any]) -> tuple[Any, ...]:
    """The argument types of `run_batches`."""
    return (numba.from_dtype(OP_DTYPE)[::1], memory_type(dtype), *[types.int64] * 5)
