"""Calls by address, as kernels write them; calls_compiled.py has what the compiler makes of them.

Interpreted, an address is a number that this module gives.
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
    """The address of a plain record; good as long as someone keeps the record."""
    number = next(_record_numbers)
    _records[number] = record
    return number


def call_address(address: int, *arguments: Any) -> None:
    """Call the kernel at `address`, which returns nothing, with `arguments`."""
    _functions[address](*arguments)


def call_op(address: int, operands: int, *arguments: Any) -> None:
    """Call the op's function at `address` on the record at `operands`, with further arguments."""
    _functions[address](_records[operands], *arguments)
