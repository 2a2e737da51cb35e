"""What commands print on stdout: JSON documents, aligned tables, sizes for people."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any


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


def human_bytes(count: int) -> str:
    """A size in the unit that leaves it readable: `9.9 MB`."""
    size, units = float(count), ["bytes", "kB", "MB", "GB", "TB"]
    while size >= 999.5 and len(units) > 1:
        size, units = size / 1000, units[1:]
    return f"{count} bytes" if units[0] == "bytes" else f"{size:.3g} {units[0]}"


def number(value: float) -> str:
    """A loss or an error in few digits that still tell two of them apart."""
    if value == 0 or 1e-3 <= abs(value) < 1e5 or not math.isfinite(value):
        return f"{value:.4f}"
    return f"{value:.2e}"


def seconds(value: float) -> str:
    """A time in seconds: two digits below one second, where one would be 0.0."""
    return f"{value:.2f} s" if value < 0.995 else f"{value:.1f} s"


def percent(share: float) -> str:
    """A share of 1 as a percentage: two digits, so that 98.21 % and 98.24 % differ."""
    return f"{share:.2%}"
