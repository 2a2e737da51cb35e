"""Turns Ctrl-C, SIGTERM and SIGHUP into a request to stop between two steps."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from mnistlab.support.signals import stopping_signals


class StopRequested(BaseException):
    """A request to stop the run; `number` is the signal's.

    Not an Exception, like KeyboardInterrupt: a library that tries something else after an error, as
    a compiler may, must not handle it.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def _without_stops(hook: Callable[[Any], None]) -> Callable[[Any], None]:
    """The hook for exceptions that cannot be raised, except for requests to stop."""

    def told(unraisable: Any) -> None:
        if not isinstance(unraisable.exc_value, StopRequested):
            hook(unraisable)

    return told


class StopSignals:
    """Remembers the first signal; a second one raises KeyboardInterrupt at once."""

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
        """Raise StopRequested as soon as a signal comes: for code that may be interrupted anywhere.

        A callback of the compiler's library cannot raise an exception: Python would print it, and
        the compiler would fail without the callback's result. So an error after a signal also
        counts as the stop.
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
    """Handle the signals that stop a command during training; only the main thread can."""
    stop = StopSignals()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    listening = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    if isinstance(listening, StopSignals):  # one of several runs that are trained together
        yield listening
        return
    before = {number: signal.getsignal(number) for number in stopping_signals()}
    for number in before:
        signal.signal(number, stop.receive)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
