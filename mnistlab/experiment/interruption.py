"""Ctrl-C and SIGTERM, turned into a request to stop at the next boundary of a step."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class StopRequested(BaseException):
    """Somebody wants the run to stop; `number` is the signal's.

    No Exception, as KeyboardInterrupt is none: a library that tries something else after an error,
    as a compiler may, must not take it for one.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def _without_stops(hook: Callable[[Any], None]) -> Callable[[Any], None]:
    """The hook for exceptions that can't be passed on, for all but a request to stop."""

    def told(unraisable: Any) -> None:
        if not isinstance(unraisable.exc_value, StopRequested):
            hook(unraisable)

    return told


class StopSignals:
    """Remembers the first signal; a second is a KeyboardInterrupt at once."""

    def __init__(self) -> None:
        self.number: int | None = None
        self._at_once = False

    def receive(self, number: int, frame: FrameType | None) -> None:
        """The handler of a signal."""
        if self.number is not None:
            raise KeyboardInterrupt
        self.number = number
        if self._at_once:
            self.check()

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Raise StopRequested the moment a signal comes: while nothing has to be in step.

        A callback of the compiler's library can't pass an exception on: Python would print it, and
        the compiler would fail for the want of what the callback was to do. So an error after a
        signal is the stop, too.
        """
        self.check()
        self._at_once = True
        unraisable, sys.unraisablehook = sys.unraisablehook, _without_stops(sys.unraisablehook)
        try:
            yield
        except Exception as error:
            if self.number is not None:
                raise StopRequested(self.number) from error
            raise
        finally:
            self._at_once = False
            sys.unraisablehook = unraisable
        self.check()

    def check(self) -> None:
        """Raise StopRequested if a signal has come."""
        if self.number is not None:
            raise StopRequested(self.number)


@contextmanager
def stop_signals() -> Iterator[StopSignals]:
    """Listen for SIGINT and SIGTERM while training; only the main thread can."""
    stop = StopSignals()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    listening = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    if isinstance(listening, StopSignals):  # of several runs that are trained together
        yield listening
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, stop.receive)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
