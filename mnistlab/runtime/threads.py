"""One thread pool: numba's. BLAS uses one thread."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numba

from mnistlab.runtime.blas import load_blas
from mnistlab.support.numba_settings import refuse_threads

# The most steps of a trial, and the time for which it is long enough.
TRIAL_STEPS, TRIAL_SECONDS = 8, 0.02
# The time until the next trial, in trial durations: at first, and at most.
SOON, SELDOM = 4, 50
# A shorter measurement is dominated by the time to wake the threads.
SECONDS_WORTH_TELLING = 0.002
# The other number of threads must be this much faster, so that equal ones do not alternate.
GAIN = 0.95


@contextmanager
def engine_threads(threads: int | None) -> Iterator[int]:
    """Run the engine on `threads` threads; yields their number.

    None is numba's default, the processors that this process may use. The number is limited by
    numba's pool, which NUMBA_NUM_THREADS sets before the first import. With BLAS's threads running
    as well, the same epoch was measured to take ten times as long. Raises UsageError for what is no
    number of threads.
    """
    refuse_threads(threads)
    # Accelerate, a BLAS of macOS, has no other limit, and reads it at its first product.
    os.environ.setdefault("VECLIB_MAXIMUM_THREADS", "1")
    # The BLAS that numba calls must be loaded before it can be limited.
    load_blas()
    pool = int(numba.config.NUMBA_NUM_THREADS)
    before = numba.get_num_threads()
    numba.set_num_threads(min(threads or pool, pool))
    try:
        with _libraries().limit(limits=1, user_api="blas"):
            yield numba.get_num_threads()
    finally:
        numba.set_num_threads(before)


@cache
def _libraries() -> Any:
    """The libraries with threads of their own; looked for once, which takes milliseconds."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


class Pace:
    """Decides whether steps are faster on all threads or on one, by trying sometimes.

    A step is a few launches of a hundredth of a millisecond each, and after each all threads wait
    for the last one. If another program uses a processor, that thread may wait for it a hundred
    times as long as it works. The number of threads changes no bit. Only the time of the steps
    counts: a pause between them causes no new trial.
    """

    def __init__(self) -> None:
        self._seconds: dict[int, float] = {}  # per step, by number of threads
        self._best = 0
        self._trained = 0.0  # seconds
        self._next_trial = 0.0
        self._patience = SOON
        self._trial_steps = 1  # few at first: one step may take a second

    def choose(self, most: int, steps: int) -> tuple[int, int]:
        """The number of threads, and for how many of the next `steps`; `most` is the largest
        number.
        """
        # One thread first: the very first steps are slow on any number of threads.
        for threads in (1, most):
            if threads not in self._seconds:
                return threads, min(steps, self._trial_steps)
        if self._best not in (1, most):
            self._best = most
        other = 1 if self._best == most else most
        if self._seconds[other] < GAIN * self._seconds[self._best]:
            self._best, other = other, self._best
        if most > 1 and self._trained >= self._next_trial:
            return other, min(steps, self._trial_steps)
        return self._best, steps

    def tell(self, threads: int, steps: int, seconds: float) -> None:
        """Record the duration of what was chosen."""
        self._trained += seconds
        if steps >= TRIAL_STEPS or seconds >= SECONDS_WORTH_TELLING:
            self._seconds[threads] = seconds / steps
        else:
            self._trial_steps = min(TRIAL_STEPS, 2 * self._trial_steps)
        if threads != self._best and seconds > TRIAL_SECONDS:
            self._trial_steps = max(1, self._trial_steps // 2)
        if threads != self._best:
            self._next_trial = self._trained + self._patience * seconds
            self._patience = min(SELDOM, 2 * self._patience)


@contextmanager
def running_on(threads: int) -> Iterator[None]:
    """Within `engine_threads`, temporarily run loops on fewer threads."""
    before = numba.get_num_threads()
    numba.set_num_threads(threads)
    try:
        yield
    finally:
        numba.set_num_threads(before)
