"""Compiled tables of ops for the memories of several networks; see group_loop.py."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mnistlab.runtime import compiler
from mnistlab.runtime.group_loop import loops_of_groups, run_group, side_by_side
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.op import Op
from mnistlab.runtime.table import Table, compile_tables


@dataclass(frozen=True, eq=False)
class GroupTable:
    """Ops ready to run, each on the memory of its number."""

    table: Table
    numbers: np.ndarray  # int64 (ops,)

    def run(
        self,
        memories: Sequence[Memory],
        group: Memory,
        batch: int,
        images: int,
        start: int,
        stop: int,
        step: int,
    ) -> int:
        """See `run_group`; the group's own memory has the number after the networks' memories."""
        networks = side_by_side(memories, compiler.INTERPRETED)
        group = group._replace(networks=networks)
        together = side_by_side([*memories, group], compiler.INTERPRETED)
        count = len(memories) + 1
        return run_group(
            self.table.rows, self.numbers, group, together, count, batch, images, start, stop, step
        )


def compile_group(
    lists: Mapping[str, Sequence[tuple[int, Op]]], dtype: np.dtype[Any]
) -> dict[str, GroupTable]:
    """A table for each list of ops and memory numbers, by name."""
    ops = {name: tuple(op for _, op in numbered) for name, numbered in lists.items()}
    tables = compile_tables(ops, dtype, loops=loops_of_groups(dtype))
    return {
        name: GroupTable(tables[name], np.array([n for n, _ in numbered], np.int64))
        for name, numbered in lists.items()
    }
