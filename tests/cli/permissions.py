"""Makes permissions apply to root, too."""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# From linux/capability.h.
VERSION = 0x20080522
MAY_READ_AND_WRITE_ALL = 0b110  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH

CAN_BE_BOUND = os.geteuid() != 0 or sys.platform == "linux"


@contextmanager
def bound_by_permissions() -> Iterator[None]:
    """Inside the block, this thread and the threads that it starts have only the rights that a
    file's mode gives its owner.
    """
    if os.geteuid() != 0:
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header, rights = (ctypes.c_uint32 * 2)(VERSION, 0), (ctypes.c_uint32 * 6)()
    assert libc.capget(header, rights) == 0
    effective = rights[0]
    rights[0] &= ~MAY_READ_AND_WRITE_ALL
    assert libc.capset(header, rights) == 0
    try:
        yield
    finally:
        rights[0] = effective
        assert libc.capset(header, rights) == 0
