"""Python's collector of cyclic garbage, paused while much is read."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused_collector() -> Iterator[None]:
    """Let the collector wait: of what is read nothing is garbage, but it looks through all of it
    again and again, for a quarter of the time of a thousand runs.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
