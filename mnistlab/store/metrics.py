"""The tables of a run: metrics.csv and layers.csv, which grow by the row, and last_steps.csv."""

import hashlib
import logging
import math
from collections.abc import Callable, Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any, Generic, TypeVar

from mnistlab.store.checksums import FileDigest
from mnistlab.support import durable
from mnistlab.support.errors import UsageError

logger = logging.getLogger(__name__)

# For a cell that is not a number.
MAX_SHOWN = 30

Row = TypeVar("Row")


@dataclass(frozen=True)
class MetricsRow:
    """One evaluation; None is a value that was not measured, NaN a measured value.

    Losses are data losses without the penalty; accuracies are shares of 1; `seconds` is training
    time so far; epochs count from 1.
    """

    epoch: int
    step: int
    lr: float | None = None
    train_loss: float | None = None
    train_accuracy: float | None = None
    val_loss: float | None = None
    val_accuracy: float | None = None
    test_loss: float | None = None
    test_accuracy: float | None = None
    penalty: float | None = None
    seconds: float | None = None

    @property
    def is_finite(self) -> bool:
        """Whether every measured loss is finite."""
        losses = (self.train_loss, self.val_loss, self.test_loss)
        return all(loss is None or math.isfinite(loss) for loss in losses)


@dataclass(frozen=True)
class LayerRow:
    """One layer at the end of one epoch; None is a value that was not measured."""

    epoch: int
    layer: str
    weight_mean: float | None = None
    weight_std: float | None = None
    zero_share: float | None = None
    update_mean: float | None = None
    gradient_norm: float | None = None
    activation_mean: float | None = None
    activation_std: float | None = None
    inactive_share: float | None = None


@dataclass(frozen=True)
class StepRow:
    """One layer in one step of a run that diverged: the batch's loss, and the norm of the update
    as a share of the norm of the weights and biases before it.
    """

    step: int
    layer: str
    loss: float | None = None
    update: float | None = None


def blow_up(rows: Iterable[StepRow]) -> StepRow | None:
    """The first update that is at least as large as the weights before it, so that it replaces what
    they were; None where there is none that is finite.
    """
    updates = ((row, row.update) for row in rows if row.update is not None)
    return next((row for row, size in updates if math.isfinite(size) and size >= 1), None)


def _whole(cell: str) -> int:
    """An integer that fits into an array."""
    value = int(cell)
    if value.bit_length() > 63:
        raise ValueError(cell)
    return value


READ_CELL: dict[Any, Callable[[str], Any]] = {
    int: _whole,
    float: float,
    str: str,
    float | None: lambda cell: float(cell) if cell else None,
}
WRITE_CELL: dict[Any, Callable[[Any], str]] = {
    int: lambda value: str(int(value)),
    float: lambda value: repr(float(value)),
    str: str,
    # float() first: numpy's own repr includes the type. Python's repr reads back to the same bits.
    float | None: lambda value: "" if value is None else repr(float(value)),
}


class CsvTable(Generic[Row]):
    """A CSV file with a row per instance of a dataclass, whose fields are the columns."""

    def __init__(self, row_type: type[Row]) -> None:
        columns = fields(row_type)  # type: ignore[arg-type]
        self.row_type = row_type
        self.header = ",".join(column.name for column in columns)
        self.readers = [READ_CELL[column.type] for column in columns]
        self.writers = [WRITE_CELL[column.type] for column in columns]

    def line(self, row: Row) -> str:
        """A row as a line of the file, without its line end."""
        values = astuple(row)  # type: ignore[call-overload]
        return ",".join(write(value) for write, value in zip(self.writers, values, strict=True))

    def text(self, rows: Iterable[Row]) -> str:
        """The whole file with these rows."""
        return "".join(f"{line}\n" for line in [self.header, *map(self.line, rows)])

    def read_columns(self, path: Path, written: FileDigest | None = None) -> list[list[Any]]:
        """Every column's values; raises UsageError with `file:row` if the file is damaged, or
        differs from `written`.
        """
        if written is not None:
            written.refuse_longer(path)
        cells = self._cells(path)
        try:
            by_column = zip(self.readers, zip(*cells, strict=True), strict=True)
            columns = [list(map(read, column)) for read, column in by_column] if cells else []
        except ValueError:
            raise UsageError(self._first_fault(path, cells)) from None
        if written is not None:
            written.read(path)  # only now, because an invalid row says more than a digest
        return columns

    def read(self, path: Path, written: FileDigest | None = None) -> list[Row]:
        """Every row; raises UsageError as `read_columns` does."""
        columns = self.read_columns(path, written)
        return [self.row_type(*values) for values in zip(*columns, strict=True)]

    def read_so_far(self, path: Path) -> list[Row]:
        """The complete rows of a table to which a run may be writing; raises UsageError as
        `read_columns` does.
        """
        cells = [line.split(",") for line in durable.read_text(path).split("\n")[1:-1]]
        try:
            return [
                self.row_type(*(read(cell) for read, cell in zip(self.readers, row, strict=True)))
                for row in cells
            ]
        except ValueError:
            raise UsageError(self._first_fault(path, cells)) from None

    def _cells(self, path: Path) -> list[list[str]]:
        """The cells of every complete row under the header."""
        lines = durable.read_text(path).split("\n")
        if lines[0] != self.header or len(lines) == 1:
            raise UsageError(f"{path}:1: the header is damaged, expected {self.header}")
        if lines[-1]:
            # Even if it looks complete: 0.12 may be the beginning of 0.123.
            logger.warning("%s:%d: a row without its end is left out", path, len(lines))
        return [line.split(",") for line in lines[1:-1]]

    def _first_fault(self, path: Path, cells: list[list[str]]) -> str:
        names = self.header.split(",")
        for number, row in enumerate(cells, start=2):
            if len(row) != len(names):
                return f"{path}:{number}: {len(row)} values where {len(names)} are expected"
            for name, read, cell in zip(names, self.readers, row, strict=True):
                try:
                    read(cell)
                except ValueError:
                    shown = cell if len(cell) <= MAX_SHOWN else f"{cell[:MAX_SHOWN]}…"
                    return f"{path}:{number}: {name} is {shown!r}, not a number"
        raise AssertionError("called for a table without a fault")


METRICS = CsvTable(MetricsRow)
LAYERS = CsvTable(LayerRow)
LAST_STEPS = CsvTable(StepRow)
read_metrics, read_layers, read_last_steps = METRICS.read, LAYERS.read, LAST_STEPS.read


class TableWriter(Generic[Row]):
    """The single writer of a growing table.

    It begins a new file, or continues one: the file is truncated to what was `written`. Raises
    UsageError if the file does not begin with that.
    """

    def __init__(self, table: CsvTable[Row], path: Path, written: FileDigest | None = None) -> None:
        self.table = table
        self.path = path
        new = table.text([]).encode()
        content = new if written is None else written.read(path, more_may_follow=True)
        # Nothing relies on an empty table before its rows are fsynced.
        durable.write_file(path, content, on_disk="later" if written is None else "file")
        self._bytes = len(content)
        self._digest = hashlib.sha256(content)

    @property
    def written(self) -> FileDigest:
        """The digest of the file so far."""
        return FileDigest(self._bytes, self._digest.hexdigest())

    def append(self, *rows: Row, fsync: bool = False) -> None:
        """Append rows, all or none; if it raises OSError, the file is unchanged."""
        lines = [self.table.line(row) for row in rows]
        durable.append_lines(self.path, lines, fsync=fsync)
        content = "".join(f"{line}\n" for line in lines).encode()
        self._bytes += len(content)
        self._digest.update(content)

    def fsync(self) -> None:
        """Wait until the rows are on disk. Raises OSError."""
        durable.fsync(self.path)
