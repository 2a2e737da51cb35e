"""Python's collector of cyclic garbage, paused or rare while much is made that is no garbage."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused_collector() -> Iterator[None]:
    """Let the collector wait: it would look through all objects again and again, for a quarter of
    the time in which a thousand runs are read, and for an eighth of that of compilation.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def collect_rarely() -> None:
    """Let this process, one command, collect after a hundred thousand new objects, not 700: imports
    make half a million that stay, and collecting among them takes a tenth of the time until a
    training begins.
    """
    gc.set_threshold(100_000, 10, 10)
