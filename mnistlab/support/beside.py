"""Starters of pieces of work: in this process, or in forks of it, a few at once."""

from collections import deque
from collections.abc import Callable
from functools import cache
from typing import Any, Protocol, TypeVar

from mnistlab.support.host import available_cpus
from mnistlab.support.platform import system

Result = TypeVar("Result")


class Starter(Protocol):
    """Begins a piece of work, perhaps in another process; the function that it returns waits for
    the result.
    """

    def __call__(self, work: Callable[[], Result], /) -> Callable[[], Result]: ...


def in_turn(work: Callable[[], Result]) -> Callable[[], Result]:
    """The starter that works in this process, when the result is waited for."""
    return cache(work)


class Beside:
    """The starter that works beside this process, in two forks for each processor at most.

    A fork has none of this process's threads: the work must need none of them. With one processor
    it works in turn; Windows, which has no forks, does the work at once.
    """

    def __init__(self) -> None:
        self._processors = available_cpus()
        self._running: deque[Callable[[], Any]] = deque()

    def __call__(self, work: Callable[[], Result], /) -> Callable[[], Result]:
        if self._processors == 1:
            return in_turn(work)
        if len(self._running) == 2 * self._processors:
            self._running.popleft()()
        wait = cache(system.run_beside(work))
        self._running.append(wait)
        return wait
