"""One pool of threads, ours: BLAS keeps to one thread, numba's loops have as many as are asked."""

from collections.abc import Iterator
from contextlib import contextmanager

import numba

TRIAL_STEPS = 8
# How many times as long as a trial took it is before the next: at first, and at most.
SOON, SELDOM = 4, 50
# What takes less tells more of the threads' waking than of their work.
SECONDS_WORTH_TELLING = 0.002
# So much quicker the other has to be, for two of the same pace not to change places at every trial.
GAIN = 0.95


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


class Pace:
    """Whether steps go quicker on all threads or on one, found by trying now and then.

    A step is a few launches of a hundredth of a millisecond each, and at the end of each all
    threads wait for the last. Beside another program's work that one may wait for its processor a
    hundred times as long as it works. How many threads there are changes no bit. Time is that of
    the steps alone: a pause between them is no reason to try again.
    """

    def __init__(self) -> None:
        self._seconds: dict[int, float] = {}  # a step took, by number of threads
        self._best = 0
        self._trained = 0.0  # seconds
        self._next_trial = 0.0
        self._patience = SOON

    def choose(self, most: int, steps: int) -> tuple[int, int]:
        """On how many threads to take how many of the next `steps`; there are `most` threads."""
        # One thread first: the first steps of all are slow, whoever takes them.
        for threads in (1, most):
            if threads not in self._seconds:
                return threads, min(steps, TRIAL_STEPS)
        if self._best not in (1, most):
            self._best = most
        other = 1 if self._best == most else most
        if self._seconds[other] < GAIN * self._seconds[self._best]:
            self._best, other = other, self._best
        if most > 1 and self._trained >= self._next_trial:
            return other, min(steps, TRIAL_STEPS)
        return self._best, steps

    def tell(self, threads: int, steps: int, seconds: float) -> None:
        """What was chosen took so many seconds."""
        self._trained += seconds
        if steps >= TRIAL_STEPS or seconds >= SECONDS_WORTH_TELLING:
            self._seconds[threads] = seconds / steps
        if threads != self._best:
            self._next_trial = self._trained + self._patience * seconds
            self._patience = min(SELDOM, 2 * self._patience)


@contextmanager
def running_on(threads: int) -> Iterator[None]:
    """Within `engine_threads`, run loops on fewer threads for a while."""
    before = numba.get_num_threads()
    numba.set_num_threads(threads)
    try:
        yield
    finally:
        numba.set_num_threads(before)
