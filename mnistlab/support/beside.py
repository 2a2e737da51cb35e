"""Starters of pieces of work: in this process, or in forks of it, a few at once."""

import selectors
from collections.abc import Callable
from concurrent.futures import Future
from functools import cache, partial
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
    """The starter that keeps all processors busy: it works in a fork if one is free, else here.

    A fork costs a tenth of a second, so there are no more than can run at once. It has none of this
    process's threads: the work must need none of them. It may use this starter for parts of its
    work, with half of the processors. With one processor, the starter works in turn; Windows, which
    has no forks, does the work at once.
    """

    def __init__(self) -> None:
        self._processors = available_cpus()
        # By the file descriptor that can be read when the work is done.
        self._forks: dict[int, Callable[[], Any]] = {}

    def __call__(self, work: Callable[[], Result], /) -> Callable[[], Result]:
        if self._processors == 1:
            return in_turn(work)
        self._take_results()
        if len(self._forks) == self._processors - 1:
            return _at_once(work)
        wait, descriptor = system.run_beside(partial(self._in_fork, work))
        if descriptor is None:
            return wait

        @cache
        def result() -> Result:
            del self._forks[descriptor]
            return wait()

        self._forks[descriptor] = result
        return result

    def _in_fork(self, work: Callable[[], Result]) -> Result:
        before = self._processors, self._forks  # which are the fork's siblings
        self._processors, self._forks = self._processors // 2, {}
        try:
            return work()
        finally:  # without forks, this is the same process
            self._processors, self._forks = before

    def _take_results(self) -> None:
        """Take the results of the forks that are done."""
        with selectors.DefaultSelector() as selector:
            for descriptor in self._forks:
                selector.register(descriptor, selectors.EVENT_READ)
            for key, _ in selector.select(0):
                self._forks[key.fd]()


def _at_once(work: Callable[[], Result]) -> Callable[[], Result]:
    """Work now; the result, or the error, comes when it is asked for."""
    future: Future[Result] = Future()
    try:
        future.set_result(work())
    except Exception as error:
        future.set_exception(error)
    return future.result
