"""What commands print: lines, aligned tables, results for programs, JSON documents.

Nothing else in mnistlab prints. Text from outside passes `one_line` here, so that it can neither
send escape sequences to the terminal nor add lines of its own.
"""

import json
import os
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from mnistlab.store.json_fields import as_json
from mnistlab.support import text_format
from mnistlab.support.safe_text import one_line


def print_line(text: str) -> None:
    """One line on stdout."""
    print(one_line(text))


def print_note(text: str) -> None:
    """One line on stderr, seen at once.

    Notes accompany work that must not end with them: where stderr can't be written to, as behind a
    redirection to a full disk, this note and all that follow are dropped.
    """
    try:
        print(one_line(text), file=sys.stderr, flush=True)
    except OSError:
        drop("stderr")


def print_how_to_resume(number: int, kept: str, folder: Path) -> None:
    """Print the signal that stopped the work, what is kept, and the command that resumes it."""
    print_note(f"stopped by {signal.Signals(number).name}; {kept}. To resume:")
    print_note(f"  mnistlab resume {shlex.quote(str(folder))}")


def drop(stream: Literal["stdout", "stderr"]) -> None:
    """Write nothing more to a stream that cannot be written to."""
    setattr(sys, stream, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115


def open_closed_streams() -> None:
    """Let a command run whose stdout or stderr its caller has closed (`>&-`)."""
    if sys.stdout is None:
        drop("stdout")
    if sys.stderr is None:
        drop("stderr")


def print_lines(text: str, *, on_stderr: bool = False) -> None:
    """A text of several lines, such as tables; its cells are already of one line each."""
    for line in text.split("\n"):
        print_note(line) if on_stderr else print_line(line)


def print_result(text: str) -> None:
    """Print text for another program, such as a path: unchanged, but made safe on a terminal."""
    if sys.stdout.isatty():
        print_lines(text)
    else:
        print(text)


def print_json(document: Any) -> None:
    """Print one JSON document of records and arrays; NaN is null, paths are absolute."""
    plain = as_json(document)
    print(json.dumps(plain, indent=2, allow_nan=False, default=lambda path: str(path.absolute())))


def metric_value(metric: str, value: float | None, std: float | None = None) -> str:
    """A metric as `text_format.metric` writes it; `-` where it was not measured."""
    return "-" if value is None else text_format.metric(metric, value, std)


def table(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Rows as lines of aligned columns, those numbered in `right` to the right."""
    safe = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*safe, strict=True)]
    lines = []
    for row in safe:
        cells = [
            cell.rjust(width) if index in right else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
