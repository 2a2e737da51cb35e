"""One pool of threads, ours: BLAS keeps to one thread, numba's loops have as many as are asked."""

from collections.abc import Iterator
from contextlib import contextmanager

import numba


@contextmanager
def engine_threads(threads: int | None) -> Iterator[int]:
    """Run the engine on `threads` threads; gives their number.

    None is numba's own choice, the processors that this process may use. More than numba's pool
    has, which NUMBA_NUM_THREADS sets before the first import, can't be had. With BLAS's threads
    beside ours the same epoch was measured to take ten times as long.
    """
    # The BLAS that numba calls has to be loaded before it can be limited.
    import scipy.linalg.cython_blas  # noqa: F401
    from threadpoolctl import threadpool_limits

    pool = int(numba.config.NUMBA_NUM_THREADS)
    before = numba.get_num_threads()
    numba.set_num_threads(min(threads or pool, pool))
    try:
        with threadpool_limits(1, user_api="blas"):
            yield numba.get_num_threads()
    finally:
        numba.set_num_threads(before)
