"""What commands print on stdout: JSON documents, aligned tables, sizes for people."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mnistlab.wording import human_bytes, number, percent, seconds

__all__ = ["human_bytes", "metric_value", "number", "percent", "print_json", "seconds", "table"]


def print_json(document: Any) -> None:
    """One JSON document: paths absolute, NaN and infinities null."""
    print(json.dumps(_plain(document), indent=2, allow_nan=False))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Path):
        return str(value.absolute())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def metric_value(metric: str, value: float | None) -> str:
    """A metric in words: `98.21%`, `0.0612`; `-` where it was not measured."""
    if value is None:
        return "-"
    if metric == "seconds":
        return seconds(value)
    return percent(value) if metric.endswith("accuracy") else number(value)


def table(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Rows as lines of aligned columns, those numbered in `right` to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if index in right else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
