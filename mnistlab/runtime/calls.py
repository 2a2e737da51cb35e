"""Calls by address for kernels; calls_compiled.py has their compiled versions.

Interpreted, an address is a number assigned by this module.
"""

import itertools
from collections.abc import Callable
from typing import Any
from weakref import WeakValueDictionary

_functions: list[Callable[..., None]] = []
_records: WeakValueDictionary[int, Any] = WeakValueDictionary()
_record_numbers = itertools.count()


def address_of_interpreted(function: Callable[..., None]) -> int:
    """The address of a plain function."""
    if function not in _functions:
        _functions.append(function)
    return _functions.index(function)


def keep_interpreted(record: Any) -> int:
    """The address of a plain record; valid while the record is referenced elsewhere."""
    number = next(_record_numbers)
    _records[number] = record
    return number


def call_address(address: int, *arguments: Any) -> None:
    """Call the kernel at `address`, which returns nothing, with `arguments`."""
    _functions[address](*arguments)


def call_op(address: int, operands: int, *arguments: Any) -> None:
    """Call the op's function at `address` with the record at `operands` and further arguments."""
    _functions[address](_records[operands], *arguments)
