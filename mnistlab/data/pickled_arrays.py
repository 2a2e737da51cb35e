"""Reads a pickle of tuples of NumPy arrays without unpickling: no code of the file can run.

`pickletools.genops` only parses a pickle. Each operation is then interpreted here, on a stack of
plain values. The operations that call or import may name the few functions with which NumPy pickles
an array; they are recognised by name, and never imported or called. Any other is refused.
"""

import math
import pickletools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from mnistlab.data.files import MalformedError

ARRAY, DTYPE, RECONSTRUCT, FROM_BUFFER, ENCODE = "array", "dtype", "rebuild", "buffer", "encode"
CORES = ("numpy.core", "numpy._core")
FUNCTIONS = {
    "numpy ndarray": ARRAY,
    "numpy dtype": DTYPE,
    "_codecs encode": ENCODE,
    **{f"{core}.multiarray _reconstruct": RECONSTRUCT for core in CORES},
    **{f"{core}.numeric _frombuffer": FROM_BUFFER for core in CORES},
}
NUMBER = re.compile(r"(?:[fiu][1248]|b1)")  # a dtype's name, as NumPy pickles it
MAX_OPERATIONS = 10_000
# Operations whose value is their argument; others are in Machine.
ARGUMENTS = (
    *("BINFLOAT", "FLOAT", "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
    *("BYTEARRAY8", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
)
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}


@dataclass(frozen=True)
class Function:
    """One of FUNCTIONS, by its value there."""

    kind: str


@dataclass
class Unfinished:
    """What a call returned: an array or a dtype, whose state a BUILD may set."""

    kind: str
    value: Any = None


class LimitedStream:
    """A stream that raises MalformedError once `most` bytes have been read."""

    def __init__(self, stream: BinaryIO, most: int) -> None:
        self.stream, self.most, self.left = stream, most, most

    def _counted(self, content: bytes) -> bytes:
        self.left -= len(content)
        if self.left < 0:
            raise MalformedError(f"expected at most {self.most:,} bytes, found more")
        return content

    def read(self, count: int) -> bytes:
        """At most `count` bytes."""
        return self._counted(self.stream.read(min(count, self.left + 1)))

    def readline(self) -> bytes:
        """The bytes up to the end of the line."""
        return self._counted(self.stream.readline(self.left + 1))


def read_pickled(stream: BinaryIO, most: int) -> Any:
    """The value of a pickle: tuples, lists and plain values, arrays as ndarrays.

    Raises MalformedError for a pickle that is damaged, has more than `most` bytes or holds anything
    else.
    """
    machine = Machine()
    try:
        operations = pickletools.genops(LimitedStream(stream, most))  # type: ignore[arg-type]
        for number, (operation, argument, _) in enumerate(operations):
            if number >= MAX_OPERATIONS:
                raise MalformedError(f"expected a few arrays, found {number:,} operations")
            machine.run(operation.name, argument)
    # genops and NumPy: a damaged file, or arguments that do not fit together.
    except (ValueError, TypeError, OverflowError) as error:
        reason = str(error).partition("\n")[0][:200]
        raise MalformedError(f"expected a pickle of arrays, found a damaged one ({reason})") from (
            error
        )
    return machine.result


MARK = object()


class Machine:
    """Interprets the operations of a pickle on a stack of values."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.result: Any = None

    def run(self, name: str, argument: Any) -> None:
        """Interpret one operation; raises MalformedError if it is not allowed."""
        if name in ARGUMENTS:
            self.stack.append(argument)
        elif name in CONSTANTS:
            self.stack.append(CONSTANTS[name])
        elif name in OPERATIONS:
            OPERATIONS[name](self, argument)
        elif name not in ("PROTO", "FRAME"):
            raise MalformedError(f"expected a pickle of arrays, found the operation {name} in it")

    def pop(self) -> Any:
        if not self.stack:
            raise MalformedError("expected a pickle of arrays, found a damaged one (empty stack)")
        return self.stack.pop()

    def mark(self, _: Any) -> None:
        self.stack.append(MARK)

    def above_mark(self) -> list[Any]:
        """The values since the last mark, removed with it."""
        values = []
        while (value := self.pop()) is not MARK:
            values.append(value)
        return values[::-1]

    def tuple_since_mark(self, _: Any) -> None:
        self.stack.append(tuple(self.above_mark()))

    def tuple_of(self, count: int) -> None:
        self.stack.append(tuple([self.pop() for _ in range(count)][::-1]))

    def put(self, index: int | None) -> None:
        value = self.pop()
        self.stack.append(value)
        self.memo[len(self.memo) if index is None else index] = value

    def get(self, index: int) -> None:
        if index not in self.memo:
            raise MalformedError("expected a pickle of arrays, found a damaged one (no such memo)")
        self.stack.append(self.memo[index])

    def function(self, name: Any) -> None:
        if name not in FUNCTIONS:
            shown = str(name)[:100].replace(" ", ".")
            raise MalformedError(
                f"expected a pickle of arrays alone, found {shown!r} in it, which is not loaded"
            )
        self.stack.append(Function(FUNCTIONS[name]))

    def stack_function(self, _: Any) -> None:
        name, module = self.pop(), self.pop()
        self.function(f"{module} {name}")

    def append(self, _: Any) -> None:
        value = self.pop()
        self._list().append(value)

    def appends(self, _: Any) -> None:
        values = self.above_mark()
        self._list().extend(values)

    def _list(self) -> list[Any]:
        if not self.stack or not isinstance(self.stack[-1], list):
            raise MalformedError("expected a pickle of arrays, found a damaged one (no list)")
        return self.stack[-1]

    def call(self, _: Any) -> None:
        arguments, function = self.pop(), self.pop()
        if not isinstance(function, Function) or not isinstance(arguments, tuple):
            raise MalformedError("expected a pickle of arrays alone, found another call in it")
        self.stack.append(_called(function.kind, arguments))

    def build(self, _: Any) -> None:
        state, unfinished = self.pop(), self.pop()
        if not isinstance(unfinished, Unfinished) or not isinstance(state, tuple):
            raise MalformedError("expected a pickle of arrays alone, found another object in it")
        if unfinished.kind == DTYPE and len(state) >= 2:
            unfinished.value = unfinished.value.newbyteorder(_order(state[1]))
        elif unfinished.kind == ARRAY and len(state) == 5:
            _, shape, dtype, fortran, data = state
            unfinished.value = _array(shape, dtype, "F" if fortran else "C", data)
        else:
            raise MalformedError("expected a pickle of arrays alone, found another state in it")
        self.stack.append(unfinished)

    def stop(self, _: Any) -> None:
        self.result = _finished(self.pop())


OPERATIONS: dict[str, Callable[[Machine, Any], None]] = {
    "MARK": Machine.mark,
    "TUPLE": Machine.tuple_since_mark,
    "EMPTY_TUPLE": lambda machine, _: machine.tuple_of(0),
    "TUPLE1": lambda machine, _: machine.tuple_of(1),
    "TUPLE2": lambda machine, _: machine.tuple_of(2),
    "TUPLE3": lambda machine, _: machine.tuple_of(3),
    "EMPTY_LIST": lambda machine, _: machine.stack.append([]),
    "LIST": lambda machine, _: machine.stack.append(machine.above_mark()),
    "APPEND": Machine.append,
    "APPENDS": Machine.appends,
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"), Machine.put),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), Machine.get),
    "GLOBAL": Machine.function,
    "STACK_GLOBAL": Machine.stack_function,
    "REDUCE": Machine.call,
    "BUILD": Machine.build,
    "STOP": Machine.stop,
}


def _called(kind: str, arguments: tuple[Any, ...]) -> Any:
    """What NumPy's function would return; raises MalformedError for other arguments."""
    match kind, arguments:
        case "rebuild", (Function(kind="array"), _, _):
            return Unfinished(ARRAY)
        case "dtype", (str(name), *_) if NUMBER.fullmatch(name):
            return Unfinished(DTYPE, np.dtype(name))
        case "buffer", (data, dtype, shape, ("C" | "F") as order):
            return Unfinished(ARRAY, _array(shape, dtype, order, data))
        case "encode", (str(text), "latin1" | "latin-1"):
            return text.encode("latin-1")
        case _:
            raise MalformedError(f"expected a pickle of arrays of numbers, found another {kind}")


def _order(sign: Any) -> str:
    if sign not in ("<", ">", "|", "="):
        raise MalformedError(f"expected a byte order, found {str(sign)[:20]!r}")
    return sign


def _array(shape: Any, dtype: Any, order: Any, data: Any) -> np.ndarray:
    if not isinstance(dtype, Unfinished) or dtype.kind != DTYPE:
        raise MalformedError("expected arrays of numbers, found another type")
    if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape):
        raise MalformedError("expected an array's shape, found something else")
    # Python 2 pickled bytes as text, which genops decodes as Latin-1.
    content = data.encode("latin-1") if isinstance(data, str) else data
    if not isinstance(content, bytes | bytearray):
        raise MalformedError("expected the bytes of an array, found something else")
    expected = math.prod(shape) * dtype.value.itemsize
    if len(content) != expected:
        raise MalformedError(
            f"expected {expected:,} bytes for an array of shape {shape}, found {len(content):,}"
        )
    return np.frombuffer(content, dtype.value).reshape(shape, order=order)


def _finished(value: Any) -> Any:
    """The tuple or list of pairs at the top, with ndarrays for its arrays."""
    if isinstance(value, tuple | list):
        return [[_of_pair(one) for one in part] if _is_list(part) else None for part in value]
    raise MalformedError("expected a tuple of (images, labels) pairs, found something else")


def _is_list(value: Any) -> bool:
    return isinstance(value, tuple | list)


def _of_pair(value: Any) -> Any:
    return value.value if isinstance(value, Unfinished) and value.kind == ARRAY else None
