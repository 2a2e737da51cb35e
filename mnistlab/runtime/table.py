"""Compiled tables of ops: loaded from the cache, or compiled once."""

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from mnistlab.runtime import compiler
from mnistlab.runtime.calls import keep_interpreted
from mnistlab.runtime.compiling import WAITING, announcement, told_end
from mnistlab.runtime.helpers import compile_all
from mnistlab.runtime.kernel import Kernel
from mnistlab.runtime.loop import ROW_DTYPE, run_batches, run_batches_types
from mnistlab.runtime.memory import CACHE_LINE, Memory, zeros
from mnistlab.runtime.op import Called, Op, Operands, function_types
from mnistlab.support.errors import UsageError

# The kinds of ops that this process has loaded, by dtype. A process that trains one run after
# another asks the compiler for each only once: its answers take longer than some trainings.
_loaded: set[tuple[Any, np.dtype[Any]]] = set()
_forked_from_an_engine = False
_ran = False


def refuse_after_fork() -> None:
    """Raise UsageError in a process that was forked after the engine had run.

    A fork has none of its parent's threads, and the loop would wait for them for ever.
    """
    global _ran
    if _forked_from_an_engine:
        raise UsageError(
            "this process was forked from one that has trained or evaluated, and has none of its "
            "threads; start processes by multiprocessing.get_context('spawn') instead"
        )
    _ran = True


def _note_fork() -> None:
    global _forked_from_an_engine
    _forked_from_an_engine = _forked_from_an_engine or _ran


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)


@dataclass(frozen=True, eq=False)
class Table:
    """Ops ready to run: a row for each, and the records that the rows point to."""

    rows: np.ndarray
    records: Any  # keeps the records alive, because the rows have their addresses

    def run(self, memory: Memory, batch: int, images: int, start: int, stop: int, step: int) -> int:
        """See `run_batches`."""
        refuse_after_fork()
        return run_batches(self.rows, memory, batch, images, start, stop, step)

    def run_once(self, memory: Memory) -> None:
        """Run the ops without a batch, e.g. those that pack weights."""
        refuse_after_fork()
        run_batches(self.rows, memory, 1, 1, 0, 1, 0)


def compile_tables(
    lists: Mapping[str, tuple[Op, ...]],
    dtype: np.dtype[Any],
    tell: Callable[[str], None] = lambda text: None,
    loops: Sequence[tuple[Kernel, tuple[Any, ...]]] = (),
) -> dict[str, Table]:
    """A table for each list of ops, by name; `loops` run them, `run_batches` by default.

    What is not in the cache is compiled; see `keep_compiled`.
    """
    loops = loops or loops_of_one(dtype)
    ops = [op for ops in lists.values() for op in ops]
    keep_compiled(ops, dtype, tell, loops)
    _compile_each(loops)
    tables = {name: assemble(ops, dtype) for name, ops in lists.items()}
    _loaded.update((op.kind, dtype) for op in ops)
    return tables


def keep_compiled(
    ops: Iterable[Op],
    dtype: np.dtype[Any],
    tell: Callable[[str], None],
    loops: Sequence[tuple[Kernel, tuple[Any, ...]]],
) -> None:
    """Compile the ops and loops that the cache lacks, under a lock, so that one of many processes
    compiles. `tell` receives a message before and after.
    """
    new = {op.kind: op for op in ops if (op.kind, dtype) not in _loaded}
    needed = [*loops, *(one for op in new.values() for one in op.functions(dtype))]

    def missing() -> set[Any]:
        return {function for function in needed if not compiler.is_compiled(*function)}

    if not missing():
        return
    with compiler.compile_lock(waiting=lambda: tell(WAITING)) as lock:
        left = missing()  # another process may have compiled everything
        if not left:
            return
        tell(announcement(list(left), dtype))
        started = time.perf_counter()
        by_address = [one for one in dict.fromkeys(needed) if one in left and one not in loops]
        compile_all(by_address, compiler.processors(), lock, first=partial(_compile_each, loops))
        for function in left:
            compiler.mark_compiled(*function)
    tell(told_end(time.perf_counter() - started))


def _compile_each(loops: Sequence[tuple[Kernel, tuple[Any, ...]]]) -> None:
    """Compile the loops, or load them from the cache."""
    for loop in loops:
        compiler.compile_for(*loop)


def loops_of_one(dtype: np.dtype[Any]) -> list[tuple[Kernel, tuple[Any, ...]]]:
    """The loops that run the ops of one network, with the types of their arguments."""
    return [(run_batches, run_batches_types(dtype))]


def assemble(ops: Sequence[Op], dtype: np.dtype[Any]) -> Table:
    """The table of `ops`, with every function compiled or loaded from the cache."""
    rows = np.zeros(len(ops), ROW_DTYPE)
    records = [_record(op, dtype) for op in ops]
    places = _namespaces(records) if compiler.INTERPRETED else _side_by_side(records)
    first = rows[:1]
    for number, (row, op) in enumerate(zip(rows, ops, strict=True)):
        kind: Any = type(op.operands)  # mypy takes the hash of its instances for its own
        row["function"] = _address(op.function, kind, dtype)
        row["operands"] = places.addresses[number]
        row["lanes"], row["once"] = op.lanes, op.once
        if not op.joins:
            first = rows[number : number + 1]
        first["joined"] += 1
        first["launch_lanes"] = np.maximum(first["launch_lanes"], op.lanes)
    return Table(_readable(rows) if compiler.INTERPRETED else rows, places.kept)


@cache
def _address(function: Kernel, kind: type[Operands], dtype: np.dtype[Any]) -> int:
    return compiler.address_of(function, function_types(kind, dtype))


@cache
def _address_of_called(one: Called, dtype: np.dtype[Any]) -> int:
    return compiler.address_of(one.function, one.argument_types(dtype))


def _record(op: Op, dtype: np.dtype[Any]) -> np.ndarray:
    """The op's operands as compiled code reads them, (1,)."""
    record = np.zeros(1, type(op.operands).dtype())
    record["lanes"], record["grain"], record["row_lanes"] = op.lanes, op.grain, op.row_lanes
    called = op.called
    for name in vars(op.operands):
        if name in called:
            record[name] = _address_of_called(called[name], dtype)
        else:
            record[name] = getattr(op.operands, name)
    return record


@dataclass(frozen=True)
class _Places:
    """The addresses of records, and the object that keeps them alive."""

    addresses: list[int]
    kept: Any


def _side_by_side(records: Sequence[np.ndarray]) -> _Places:
    """Records in one block of memory, each on its own cache lines."""
    sizes = [-(-record.nbytes // CACHE_LINE) * CACHE_LINE for record in records]
    buffer = zeros(sum(sizes), np.uint8)
    addresses, at = [], 0
    for record, size in zip(records, sizes, strict=True):
        buffer[at : at + record.nbytes] = record.view(np.uint8)
        addresses.append(buffer.ctypes.data + at)
        at += size
    return _Places(addresses, buffer)


def _namespaces(records: Sequence[np.ndarray]) -> _Places:
    """Records for Python: compiled code reads a record's fields as attributes."""
    kept = [_attributes(record[0]) for record in records]
    return _Places([keep_interpreted(record) for record in kept], kept)


def _readable(rows: np.ndarray) -> np.ndarray:
    """The rows for Python."""
    readable = np.empty(len(rows), object)
    readable[:] = [_attributes(row) for row in rows]
    return readable


class _Record(SimpleNamespace):
    """A record for Python that supports weak references."""


def _attributes(record: Any) -> _Record:
    return _Record(**dict(zip(record.dtype.names, record.tolist(), strict=True)))
