"""A report's tables as text: each row's stated and measured values, its share, its time."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mnistlab.config.dump import value_as_yaml
from mnistlab.pages.page import measured
from mnistlab.reproduce.manifest import Column, Table
from mnistlab.reproduce.measured import METRICS, ROUNDING, Measured, Row
from mnistlab.store.status import tally
from mnistlab.support.metric_names import PARTS, is_accuracy, metric_words
from mnistlab.support.text_format import (
    as_stated,
    counted,
    duration_as_stated,
    in_print,
    short_keys,
)

WHEN_NONE_IS_STATED = tuple(part.accuracy for part in PARTS)
INTERVAL = "± is half of the 95 % confidence interval of the mean, by Student's t over the seeds."
MINUTE, HOUR = 60.0, 3600.0


@dataclass(frozen=True)
class RenderedTable:
    """A table for display: heads, rows of cells, and the notes below it."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    parameters: int  # the number of first columns that identify a row
    notes: tuple[str, ...]
    finding: str | None


def rows_of(table: Table, rows: Mapping[str, Sequence[Row]]) -> list[Row]:
    """The rows of a table among all rows, which are by experiment."""
    here = rows[table.experiment]
    return [row for row in here if not table.stages or row.stage in table.stages]


def metrics_of(table: Table, rows: Sequence[Row]) -> list[str]:
    """The metrics of a table: its own, or those stated, or the usual ones."""
    if table.metrics:
        return list(table.metrics)
    stated = [name for name in METRICS if any(row.metrics[name].stated is not None for row in rows)]
    usual = [
        name
        for name in WHEN_NONE_IS_STATED
        if any(row.metrics[name].mean is not None for row in rows)
    ]
    return stated or usual


def rendered_table(table: Table, rows: Sequence[Row], finding: str | None) -> RenderedTable:
    """A table for display."""
    columns = table.columns or {
        key: Column(head=name.replace("_", " ")) for key, name in short_keys(_varied(rows)).items()
    }
    names = metrics_of(table, rows)
    staged = len({row.stage for row in rows}) > 1
    heads = [column.head for column in columns.values()]
    if staged:
        heads.insert(0, "stage")
    elif not heads:
        heads.append("run")
    parameters = len(heads)
    for name in names:
        if any(row.metrics[name].stated is not None for row in rows):
            heads.append(f"{metric_words(name)}, stated")
        heads.append(f"{metric_words(name)}, measured")
    has_seeds = any(len(row.statuses) > 1 for row in rows)
    if has_seeds:
        heads.append("seeds")
    if stated_in := any(row.stated_in is not None for row in rows):
        heads.append("stated in")
    states_time = any(row.stated_seconds is not None for row in rows)
    heads.append("time, stated → measured" if states_time else "time")
    seen = {key: _order(rows, key) for key in columns}
    cells = []
    for row in rows:
        line = [row.stage or ""] if staged else [] if columns else [table.experiment]
        line += [_value(row, key, column, seen[key]) for key, column in columns.items()]
        for name in names:
            if any(other.metrics[name].stated is not None for other in rows):
                stated = row.metrics[name].stated
                line.append("–" if stated is None else in_print(as_stated(name, stated)))
            line.append(_measured(name, row))
        line += [f"{len(row.statuses)}"] if has_seeds else []
        line += [row.stated_in or "–"] if stated_in else []
        cells.append((*line, _time(row)))
    labels = [_label(row, columns, seen) for row in rows]
    notes = (*_shares(rows), *([INTERVAL] if has_seeds else []), *compared(rows, names, labels))
    return RenderedTable(table.title, tuple(heads), tuple(cells), parameters, notes, finding)


def row_names(shown: RenderedTable) -> list[str]:
    """The names of a table's rows, from the columns that differ; a number, true or false has the
    head of its column before it.
    """
    heads = shown.heads[: shown.parameters]
    return [", ".join(map(_named, heads, cells)) for cells in shown.rows]


def _named(head: str, cell: str) -> str:
    says_nothing_alone = re.fullmatch(r"true|false|-?[\d.]+(e[-+]?\d+)?", cell)
    return f"{head} {cell}" if says_nothing_alone else cell


def duration(seconds: float) -> str:
    """A time in a readable unit."""
    if seconds < 10:
        return f"{seconds:.2g} s" if seconds < 1 else f"{seconds:.1f} s"
    if seconds < 2 * MINUTE:
        return f"{seconds:.0f} s"
    return f"{seconds / MINUTE:.0f} min" if seconds < 2 * HOUR else f"{seconds / HOUR:.1f} h"


def compared(rows: Sequence[Row], names: Sequence[str], labels: Sequence[str]) -> list[str]:
    """One sentence: how many of the stated accuracies were reached, and the farthest below;
    `labels` has the rows in words.
    """
    pairs: list[tuple[float, str, str, Measured]] = []
    missed = 0
    for row, label in zip(rows, labels, strict=True):
        for name in names:
            found = row.metrics[name]
            if not is_accuracy(name) or found.stated is None:
                continue
            if found.difference is None:
                missed += 1
            else:
                pairs.append((found.difference, label, name, found))
    if not pairs and not missed:
        return []
    total = len(pairs) + missed
    reached = sum(difference >= -ROUNDING for difference, *_ in pairs)
    within = [found.is_within for *_, found in pairs if found.is_within is not None]
    noun = "accuracy" if total == 1 else "accuracies"
    text = f"{reached} of {total:,} stated {noun} reached or passed"
    if within:
        text += f", {sum(within)} within the 95 % interval"
    if missed:
        text += f", {missed} not measured"
    farthest = min(pairs, key=lambda pair: pair[0], default=None)
    if farthest is not None and farthest[0] < -ROUNDING:
        difference, label, name, found = farthest
        stated = in_print(as_stated(name, found.stated or 0))
        what = f"{metric_words(name)} {measured(found.mean, name)} where {stated}"
        text += f"; farthest below: {label}{what} is stated ({100 * difference:+.2f} points)"
    return [f"{text}."]


def _label(row: Row, columns: Mapping[str, Column], seen: Mapping[str, Sequence[Any]]) -> str:
    """A row's values as text, for the beginning of a sentence."""
    texts = {column.head: _value(row, key, column, seen[key]) for key, column in columns.items()}
    short = [f"{head} {text}" for head, text in texts.items() if text != "–" and len(text) < 40]
    return f"{', '.join(short)}: " if short else ""


def _shares(rows: Sequence[Row]) -> list[str]:
    """What was left out for the budget: the estimated full length."""
    row = next(
        (row for row in rows if row.full_length is not None and row.seconds is not None), None
    )
    if row is None or row.full_length is None:
        return []
    full, done = row.full_length, []
    if full.epochs != row.epochs:
        done.append(f"{row.epochs:,} of {counted(full.epochs, 'epoch')}")
    if full.images != row.images:
        done.append(f"{row.images:,} of {counted(full.images, 'image')}")
    shortest, longest = _range([r.seconds_per_epoch for r in rows])
    least, most = _range([r.full_length_seconds for r in rows])
    if not done:
        return []
    return [
        f"A share, within the budget: {' and '.join(done)}. An epoch took "
        f"{_from_to(shortest, longest)}; the full length would take {_from_to(least, most)} "
        "(--full runs it)."
    ]


def _range(values: Sequence[float | None]) -> tuple[float, float]:
    known = [value for value in values if value is not None]
    return min(known), max(known)


def _from_to(least: float, most: float) -> str:
    first, last = duration(least), duration(most)
    return first if first == last else f"{first} to {last}"


def _varied(rows: Sequence[Row]) -> list[str]:
    """The parameters that differ between rows."""
    keys = dict.fromkeys(key for row in rows for key in row.parameters)
    return [key for key in keys if len({repr(row.parameters.get(key)) for row in rows}) > 1]


def _order(rows: Sequence[Row], key: str) -> list[Any]:
    """The values of a parameter, in the order of their first row."""
    found: list[Any] = []
    for row in rows:
        if key in row.parameters and row.parameters[key] not in found:
            found.append(row.parameters[key])
    return found


def _value(row: Row, key: str, column: Column, seen: Sequence[Any]) -> str:
    if key not in row.parameters:
        return "–"
    value = row.parameters[key]
    place = seen.index(value)
    return column.values[place] if place < len(column.values) else value_as_yaml(value)


def _measured(name: str, row: Row) -> str:
    """The mean over the seeds that finished ± half of its interval, and the other statuses."""
    found = row.metrics[name]
    others = [text for status, text in tally(row.statuses).items() if not status.finished]
    if found.mean is None and others:
        return ", ".join(others)
    return ", ".join([measured(found.mean, name, found.half_interval), *others])


def _time(row: Row) -> str:
    """The training time of one run; for a share, the estimated time of the full length."""
    if row.seconds is None:
        return "–"
    measured = duration(row.seconds)
    if row.full_length is not None and row.full_length_seconds is not None:
        measured = f"{measured} of {duration(row.full_length_seconds)}"
    if row.stated_seconds is None:
        return measured
    return f"{duration_as_stated(row.stated_seconds)} → {measured}"
