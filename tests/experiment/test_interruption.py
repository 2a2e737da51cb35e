"""Signals that may stop code anywhere."""

import ctypes
import os
import signal
import sys

import pytest

from mnistlab.experiment.interruption import StopRequested, stop_signals


def interrupt_within_a_callback():
    """A signal while a C library calls Python, as the compiler's library does."""
    callback = ctypes.CFUNCTYPE(None)(lambda: os.kill(os.getpid(), signal.SIGINT))
    callback()


def test_a_stop_within_a_callback_of_a_library_is_not_lost(capfd):
    with stop_signals() as stop, pytest.raises(StopRequested, match="SIGINT"), stop.at_once():
        interrupt_within_a_callback()
    assert capfd.readouterr().err == ""


def test_an_error_that_follows_from_a_stop_is_the_stop():
    def fails():
        interrupt_within_a_callback()
        raise RuntimeError("no compiled object yet")

    with stop_signals() as stop, pytest.raises(StopRequested) as raised, stop.at_once():
        fails()
    assert isinstance(raised.value.__cause__, RuntimeError)


def test_an_error_without_a_signal_stays_what_it_is():
    with stop_signals() as stop, pytest.raises(RuntimeError, match="a fault"), stop.at_once():
        raise RuntimeError("a fault")


def test_other_errors_of_a_callback_are_still_printed(monkeypatch):
    told = []
    monkeypatch.setattr(sys, "unraisablehook", lambda found: told.append(str(found.exc_value)))

    def fails():
        raise ValueError("in a callback")

    with stop_signals() as stop, stop.at_once():
        ctypes.CFUNCTYPE(None)(fails)()
    assert told == ["in a callback"]
