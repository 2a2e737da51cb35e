"""The tables of a run: metrics.csv, layers.csv and predictions.csv, written and read."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np

from mnistlab.errors import UsageError
from mnistlab.experiment import durable

logger = logging.getLogger(__name__)

# What is measured on each part of a dataset.
SPLIT_METRICS = (
    "train_loss",
    "train_accuracy",
    "val_loss",
    "val_accuracy",
    "test_loss",
    "test_accuracy",
)

Row = TypeVar("Row")


@dataclass(frozen=True)
class MetricsRow:
    """One evaluation; None is what was not measured, NaN what was measured as such.

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


@dataclass(frozen=True)
class LayerRow:
    """One layer at the end of one epoch; None is what was not measured."""

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
class PredictionRow:
    """One image: place in its set, label, predicted class, that class's probability."""

    index: int
    label: int
    predicted: int
    probability: float


@dataclass(frozen=True)
class Predictions:
    """The table of predictions by column, each of shape (images,)."""

    labels: np.ndarray  # int64
    predicted: np.ndarray  # int64
    probabilities: np.ndarray  # float64, of the predicted class


def _optional_float(cell: str) -> float | None:
    return float(cell) if cell else None


READ_CELL: dict[Any, Callable[[str], Any]] = {
    int: int,
    float: float,
    str: str,
    float | None: _optional_float,
}
WRITE_CELL: dict[Any, Callable[[Any], str]] = {
    int: lambda value: str(int(value)),
    float: lambda value: repr(float(value)),
    str: str,
    # float() first: numpy's own repr names its type. Python's repr reads back to the same bits.
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
        """A row as its line of the file, without the line's end."""
        values = astuple(row)  # type: ignore[call-overload]
        return ",".join(write(value) for write, value in zip(self.writers, values, strict=True))

    def text(self, rows: Iterable[Row]) -> str:
        """The whole file of these rows."""
        return "".join(f"{line}\n" for line in [self.header, *map(self.line, rows)])

    def read_columns(self, path: Path) -> list[list[Any]]:
        """Every column's values; raises UsageError with `file:row` where the file is damaged."""
        cells = self._cells(path)
        try:
            by_column = zip(self.readers, zip(*cells, strict=True), strict=True)
            return [list(map(read, column)) for read, column in by_column] if cells else []
        except ValueError:
            raise UsageError(self._first_fault(path, cells)) from None

    def read(self, path: Path) -> list[Row]:
        """Every row; raises UsageError with `file:row` where the file is damaged."""
        columns = self.read_columns(path)
        return [self.row_type(*values) for values in zip(*columns, strict=True)]

    def _cells(self, path: Path) -> list[list[str]]:
        """The cells of every whole row under the header."""
        lines = read_text(path).split("\n")
        if lines[0] != self.header or len(lines) == 1:
            raise UsageError(f"{path}:1: the header is damaged, expected {self.header}")
        if lines[-1]:
            # Also when it looks whole: 0.12 may be the beginning of 0.123.
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
                    return f"{path}:{number}: {name} is {cell!r}, not a number"
        raise AssertionError("called for a table without a fault")


METRICS = CsvTable(MetricsRow)
LAYERS = CsvTable(LayerRow)
PREDICTIONS = CsvTable(PredictionRow)


class TableWriter(Generic[Row]):
    """The one writer of a table that grows by the row; `key` is the column it is cut back by."""

    def __init__(self, table: CsvTable[Row], key: str, path: Path, *, resume: bool) -> None:
        self.table = table
        self.key = key
        self.path = path
        if not resume:
            durable.write_file(path, table.text([]))

    def append(self, *rows: Row, fsync: bool = False) -> None:
        """Add rows, all or none; raises OSError, and the file is then as it was."""
        durable.append_lines(self.path, map(self.table.line, rows), fsync=fsync)

    def truncate_after(self, last: int) -> None:
        """Keep the rows up to and with `last` alone; raises UsageError where one is damaged."""
        kept = [row for row in self.table.read(self.path) if getattr(row, self.key) <= last]
        durable.write_file(self.path, self.table.text(kept))


class MetricsWriter(TableWriter[MetricsRow]):
    """Makes a run's metrics.csv (`resume`: goes on with it), appends rows, cuts back to a step."""

    def __init__(self, path: Path, *, resume: bool = False) -> None:
        super().__init__(METRICS, "step", path, resume=resume)


class LayersWriter(TableWriter[LayerRow]):
    """Makes a run's layers.csv (`resume`: goes on with it), appends rows, cuts back to an epoch."""

    def __init__(self, path: Path, *, resume: bool = False) -> None:
        super().__init__(LAYERS, "epoch", path, resume=resume)


def read_metrics(path: Path) -> list[MetricsRow]:
    """The rows of a metrics.csv; raises UsageError with `file:row` where it is damaged."""
    return METRICS.read(path)


def read_layers(path: Path) -> list[LayerRow]:
    """The rows of a layers.csv; raises UsageError with `file:row` where it is damaged."""
    return LAYERS.read(path)


def write_predictions(
    path: Path, labels: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray
) -> None:
    """Write predictions.csv, a row per image.

    `labels` and `predicted` are integers of shape (images,); `probabilities` floats of shape
    (images,), of the predicted class each, kept to 9 significant digits. Raises ValueError when
    the shapes differ, OSError.
    """
    if not labels.shape == predicted.shape == probabilities.shape == (len(labels),):
        raise ValueError(
            f"labels {labels.shape}, predicted {predicted.shape} and probabilities "
            f"{probabilities.shape} are to have one shape, (images,)"
        )
    columns = zip(labels.tolist(), predicted.tolist(), probabilities.tolist(), strict=True)
    lines = [
        f"{index},{label},{guess},{float(f'{probability:.9g}')!r}\n"
        for index, (label, guess, probability) in enumerate(columns)
    ]
    durable.write_file(path, f"{PREDICTIONS.header}\n{''.join(lines)}")


def read_predictions(path: Path) -> Predictions:
    """The columns of a predictions.csv; raises UsageError with `file:row` where it is damaged."""
    index, label, predicted, probability = PREDICTIONS.read_columns(path) or ([], [], [], [])
    for expected, found in enumerate(index):
        if found != expected:
            raise UsageError(f"{path}:{expected + 2}: index is {found}, expected {expected}")
    return Predictions(
        np.array(label, dtype=np.int64),
        np.array(predicted, dtype=np.int64),
        np.array(probability, dtype=np.float64),
    )


def read_text(path: Path) -> str:
    """The text of a file; raises UsageError naming it where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: is no text: byte {error.start} is not UTF-8") from error
