"""Ctrl-C and SIGTERM, turned into a request to stop at the next boundary of a step."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopRequested(BaseException):
    """Somebody wants the run to stop; `number` is the signal's.

    No Exception, as KeyboardInterrupt is none: a library that tries something else after an error,
    as a compiler may, must not take it for one.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


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
        """Raise StopRequested the moment a signal comes: while nothing has to be in step."""
        self.check()
        self._at_once = True
        try:
            yield
        finally:
            self._at_once = False

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
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, stop.receive)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
