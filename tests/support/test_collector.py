"""Python's collector of garbage waits while much is read."""

import gc

import pytest

from mnistlab.support.collector import paused_collector


@paused_collector()
def _fail():
    raise KeyError("paused" if not gc.isenabled() else "at work")


def test_the_collector_waits_and_then_works_again_also_after_an_error():
    with pytest.raises(KeyError, match="paused"):
        _fail()
    assert gc.isenabled()


def test_a_collector_that_is_off_stays_off():
    gc.disable()
    try:
        with paused_collector():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
