"""Pieces of work in forks of this process, a few at once."""

from collections import deque
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from mnistlab.support.host import available_cpus
from mnistlab.support.platform import system

Result = TypeVar("Result")


class Beside:
    """Begins a piece of work beside this process, in two forks for each processor at most.

    A fork has none of this process's threads: the work must need none of them. With one processor,
    and on Windows, which has no forks, the work is done at once.
    """

    def __init__(self) -> None:
        self._most = 2 * available_cpus()
        self._running: deque[Callable[[], Any]] = deque()

    def __call__(self, work: Callable[[], Result], /) -> Callable[[], Result]:
        """Returns a function that waits for the result."""
        if self._most < 4:
            result = work()
            return lambda: result
        if len(self._running) == self._most:
            self._running.popleft()()
        wait = cache(system.run_beside(work))
        self._running.append(wait)
        return wait
