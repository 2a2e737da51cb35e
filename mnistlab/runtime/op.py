"""An op: a compiled function, and the record of its operands.

Each function declares its record beside it, as a dataclass of numbers. A missing operand is an
error where the op is created. All functions have the signature `(op, m, lane, step, first, rows)`.
`op` is the record, whose fields compiled code reads as attributes. `m` is the Memory. `lane` is the
part of the work. `step` counts from the run's first step. `first` and `rows` are the range of the
batch in `m.order`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any, Self, dataclass_transform, get_type_hints

import numpy as np

from mnistlab.runtime.actions import SET
from mnistlab.runtime.kernel import Kernel
from mnistlab.runtime.memory import memory_type

# Every record begins with these: how the op's work is divided.
SCHEDULE = [
    ("lanes", np.int64),  # independent parts of the work; fixed by shape, never by threads
    ("grain", np.int64),  # of the batch's rows, or a tensor's elements, how many stay in one lane
    ("row_lanes", np.int64),  # the lanes of all ops that divide the batch's rows
]


@dataclass(frozen=True)
class Called:
    """A kernel that an op calls by its address, and the types of its arguments by dtype."""

    function: Kernel
    argument_types: Callable[[np.dtype[Any]], tuple[Any, ...]]


_FIELD_TYPES: dict[Any, Any] = {
    int: np.int64,
    bool: np.int64,
    float: np.float64,
    Called: np.int64,
}


@dataclass_transform(kw_only_default=True, frozen_default=True)
@dataclass(frozen=True, kw_only=True)
class Operands:
    """The operands of an op. Each kind of op has a subclass; subclasses are frozen dataclasses.

    Offsets and sizes are in elements.

    A *slot* is an offset in elements per row: n elements per row are at `activations[slot ·
    capacity :][: rows · n]`, row by row.
    """

    def __init_subclass__(cls) -> None:
        dataclass(frozen=True, kw_only=True)(cls)

    @classmethod
    @cache
    def dtype(cls) -> np.dtype[Any]:
        """The dtype of the record that compiled code reads."""
        hints = get_type_hints(cls)
        own = [(field.name, _FIELD_TYPES[hints[field.name]]) for field in fields(cls)]
        # The first field is different for each kind. If the first fields of two records were the
        # same, the compiler would treat one as the other, and chance would decide which of two
        # copies of a kernel runs.
        return np.dtype([(cls.__qualname__, np.int64), *SCHEDULE, *own])


class GradientOperands(Operands):
    """Operands of an op that computes a weight's gradient, and what it does with it."""

    gradient_action: int = SET
    lr_scale: float = 1.0


@dataclass(frozen=True)
class Op:
    """A function, its operands, and how its work is divided."""

    function: Kernel
    operands: Operands
    lanes: int = 0  # 0: divided by the batch's rows, into the lanes that all such ops share
    grain: int = 1
    row_lanes: int = 1
    once: bool = False  # runs only after the last rows of a batch
    joins: bool = False  # runs in the launch of the op before it, each lane after its own part
    tensor: str = ""  # the weight whose gradient the op computes, if the op may also take the step
    sends_down: bool = False  # computes a weight's gradient and the gradient of the inputs together
    owned: int = 0  # elements of `tensor` that stay in one lane and no other lane reads; 0: none

    def having(self, **operands: Any) -> Self:
        """The same op with other values of these operands."""
        return replace(self, operands=replace(self.operands, **operands))

    @property
    def called(self) -> dict[str, Called]:
        """The kernels that it calls by address, by operand."""
        values = {field.name: getattr(self.operands, field.name) for field in fields(self.operands)}
        return {name: value for name, value in values.items() if isinstance(value, Called)}

    @property
    def kind(self) -> tuple[Any, ...]:
        """Equal for ops that are compiled to the same code."""
        return (self.function, type(self.operands), *self.called.values())

    def functions(self, dtype: np.dtype[Any]) -> list[tuple[Kernel, tuple[Any, ...]]]:
        """The functions to compile for this op, with their argument types."""
        called = [(one.function, one.argument_types(dtype)) for one in self.called.values()]
        return [(self.function, function_types(type(self.operands), dtype)), *called]


def function_types(kind: type[Operands], dtype: np.dtype[Any]) -> tuple[Any, ...]:
    """The argument types of a function with these operands: (op, m, lane, step, first, rows)."""
    return _function_types(kind.dtype(), dtype)


@cache
def _function_types(record: np.dtype[Any], dtype: np.dtype[Any]) -> tuple[Any, ...]:
    import numba

    return (numba.from_dtype(record), memory_type(dtype), *[numba.int64] * 4)


def one_launch(ops: Sequence[Op]) -> tuple[Op, ...]:
    """Several ops in one launch; none of them may read what another writes."""
    return tuple(replace(op, joins=number > 0) for number, op in enumerate(ops))
