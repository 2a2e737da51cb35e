"""CSV tables: rows by column names, and rows as text."""

import csv
import io
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from mnistlab.support.errors import UsageError


def named_rows(text: str, path: Path, needed: Collection[str] = ()) -> list[dict[str, str]]:
    """Every row of a table under its header, by column.

    Raises UsageError, naming the file `path` of the text, if it is not such a table, or lacks a
    `needed` column.
    """
    try:
        lines = [line for line in csv.reader(io.StringIO(text)) if line]
    except csv.Error as error:
        raise UsageError(f"{path}: is damaged: it is not a CSV table: {error}") from error
    if not lines:
        return []
    names, *rows = lines
    if lacking := [name for name in needed if name not in names]:
        raise UsageError(f"{path}:1: the header is damaged: there is no {', '.join(lacking)}")
    for place, row in enumerate(rows, start=2):
        if len(row) != len(names):
            raise UsageError(
                f"{path}:{place}: the row is damaged: {len(row)} values where {len(names)} are "
                "expected"
            )
    return [dict(zip(names, row, strict=True)) for row in rows]


def csv_text(rows: Iterable[Sequence[Any]]) -> str:
    """Rows of cells as the text of a CSV file."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
