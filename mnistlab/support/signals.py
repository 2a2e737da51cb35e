"""The signals that ask a command to stop, and to save what it has."""

import signal

from mnistlab.support.platform import system


def stopping_signals() -> list[signal.Signals]:
    """The signals to handle, except those that the caller ignores, as `nohup` does with SIGHUP."""
    known = [signal.Signals[name] for name in system.STOPPING_SIGNALS]
    return [number for number in known if signal.getsignal(number) != signal.SIG_IGN]


def exit_code_of(number: int) -> int:
    """A shell's exit code for a process that a signal has ended."""
    return 128 + number
