"""The evaluations of a run as an aligned table, a line each."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mnistlab.experiment.callbacks import Start
from mnistlab.store.metrics import MetricsRow
from mnistlab.support.metric_names import PARTS, TEST, Part
from mnistlab.support.text_format import number, percent, seconds
from mnistlab.terminal.tables import (
    GAP,
    columns_with_room,
    heading_rows,
    headings,
    no_room,
    table_columns,
    widest,
)
from mnistlab.terminal.width import wrapped

# Enough for `1.20e-05`, `100.00%` and three hours.
LOSS_COLUMNS, ACCURACY_COLUMNS, TIME_COLUMNS = 8, 7, 9
TRAINED_FOR = "trained for"  # training time since the run's start, without evaluations


@dataclass(frozen=True)
class Column:
    """A column of the table: its heading, its least width, and its cell in a row."""

    heading: str
    width: int
    cell: Callable[[MetricsRow], str]


class EpochTable:
    """Makes the lines of the table, one row after another.

    The columns are those of the first row. A row with more columns gets its own heading, except for
    the test metrics of a last row, which are printed at the end of a run.
    """

    def __init__(self, start: Start | None, width: int | None) -> None:
        self.start = start
        self.width = width
        self.parts: tuple[Part, ...] | None = None
        self.columns: list[Column] = []
        self.widths: list[int] = []

    def lines(self, row: MetricsRow) -> list[str]:
        """The lines of a row, with the heading if it needs one."""
        parts = tuple(part for part in PARTS if _is_measured(row, part))
        lines: list[str] = []
        if self.parts is None or set(parts) - set(self.parts) - {TEST}:
            self.parts = parts
            lines = self._heading()
        return [*lines, self._line(column.cell(row) for column in self.columns)]

    def _heading(self) -> list[str]:
        """Choose the columns that fit; returns the lines of their heading."""
        assert self.parts is not None
        counts = list(_counts(self.start, with_totals=True))
        columns = [*counts, *_figures(self.parts), _time()]
        heading = headings([c.heading for c in columns], [c.width for c in columns], self.width)
        widths = _widths(columns, heading)
        if self.width is not None and table_columns(widths) > self.width:
            # The bar shows the total.
            columns[: len(counts)] = _counts(self.start, with_totals=False)
            widths = _widths(columns, heading)
        order = [*range(len(counts)), *_by_importance(columns, len(counts))]
        shown = columns_with_room(widths, order, self.width)
        self.columns = [columns[index] for index in shown]
        self.widths = [widths[index] for index in shown]
        left_out = [columns[index].heading for index in order if index not in shown]
        note = wrapped(no_room(left_out, "metrics.csv has all"), self.width) if left_out else []
        rows = heading_rows([heading[index] for index in shown])
        return [*note, *map(self._line, rows)]

    def _line(self, cells: Iterable[str]) -> str:
        return GAP.join(map(str.rjust, cells, self.widths)).rstrip()


def _widths(columns: list[Column], heading: list[list[str]]) -> list[int]:
    return [max(c.width, widest(lines)) for c, lines in zip(columns, heading, strict=True)]


def _is_measured(row: MetricsRow, part: Part) -> bool:
    return getattr(row, part.loss) is not None or getattr(row, part.accuracy) is not None


def _counts(start: Start | None, *, with_totals: bool) -> Iterable[Column]:
    """The columns that identify an evaluation."""
    if start is None:
        yield Column("epoch", 5, lambda row: str(row.epoch))
        return
    epochs, steps = (f"/{n}" if with_totals else "" for n in (start.epochs, start.steps))
    # A run with a length in steps may never complete an epoch.
    epochs = epochs if start.epochs else ""
    width = len(str(start.epochs)) + len(epochs)
    yield Column("epoch", width, lambda row: f"{row.epoch}{epochs}")
    if start.evaluates_by_step:
        width = len(str(start.steps)) + len(steps)
        yield Column("step", width, lambda row: f"{row.step}{steps}")


def _figures(parts: Iterable[Part]) -> Iterable[Column]:
    for part in parts:
        yield Column(f"{part.prefix} loss", LOSS_COLUMNS, _cell(part.loss, number))
        yield Column(f"{part.prefix} acc", ACCURACY_COLUMNS, _cell(part.accuracy, percent))


def _time() -> Column:
    return Column(TRAINED_FOR, TIME_COLUMNS, _cell("seconds", seconds))


def _cell(name: str, text: Callable[[float], str]) -> Callable[[MetricsRow], str]:
    def cell(row: MetricsRow) -> str:
        value = getattr(row, name)
        return "-" if value is None else text(value)

    return cell


def _by_importance(columns: list[Column], counts: int) -> list[int]:
    """The columns after the counts: validation first, the training time last."""
    heads = ["val acc", "val loss", "train loss", "train acc", "test acc", "test loss", TRAINED_FOR]
    return sorted(range(counts, len(columns)), key=lambda c: heads.index(columns[c].heading))
