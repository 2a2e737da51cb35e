"""The compiled loop: it executes a table of ops, batch after batch."""

from typing import Any

import numba
import numpy as np
from numba import prange, types

from mnistlab.runtime.calls import call_op
from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.memory import Memory, memory_type
from mnistlab.runtime.rounding import restore, tiny_to_zero

# A row of a table: what the loop needs to know about an op.
ROW_DTYPE = np.dtype(
    [
        ("function", np.int64),  # address of the op's function
        ("operands", np.int64),  # address of the op's record
        ("lanes", np.int64),  # independent parts of the work
        ("joined", np.int64),  # for the first op of a launch: the number of its ops
        ("launch_lanes", np.int64),  # and of its lanes
        ("once", np.int64),  # 1: runs only after the last rows of a batch
    ]
)


@kernel
def run_op(row: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """Call the op's function."""
    before = tiny_to_zero()
    call_op(row.function, row.operands, m, lane, step, first, rows)
    restore(before)


@kernel(parallel=True)
def run_batches(
    ops: np.ndarray, m: Memory, batch: int, images: int, start: int, stop: int, step: int
) -> int:
    """Run `ops` on the batches [start, stop) of `m.order[:images]`; the last may be smaller.

    ops ROW_DTYPE (ops,); `step` is the number of the first batch's step, counted from the run's
    start. A batch larger than the workspace is processed in parts; ops marked `once` run after the
    last part. Returns the number of batches done. It ends after the first batch whose loss is not
    finite.
    """
    for index in range(start, stop):
        now = step + index - start
        end = min(index * batch + batch, images)
        m.batch[1] = end - index * batch
        for first in range(index * batch, end, m.capacity):
            rows = min(m.capacity, end - first)
            m.batch[0] = first - index * batch
            number = 0
            while number < ops.size:
                after = number + ops[number].joined
                lanes = ops[number].launch_lanes
                if ops[number].once == 1 and first + rows < end:
                    pass
                elif lanes == 1:
                    for k in range(number, after):
                        run_op(ops[k], m, 0, now, first, rows)
                else:
                    for lane in prange(lanes):
                        for k in range(number, after):
                            # An op with fewer lanes gets every second lane of the launch, or every
                            # third, …
                            if lane * ops[k].lanes % lanes < ops[k].lanes:
                                own = lane * ops[k].lanes // lanes
                                run_op(ops[k], m, own, now, first, rows)
                number = after
        if not np.isfinite(m.totals[0]):
            return index - start + 1
    return stop - start


def run_batches_types(dtype: np.dtype[Any]) -> tuple[Any, ...]:
    """The argument types of `run_batches`."""
    return (numba.from_dtype(ROW_DTYPE)[::1], memory_type(dtype), *[types.int64] * 5)
