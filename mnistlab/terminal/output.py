"""The output of commands: lines, tables, results for programs, JSON documents.

Nothing else in mnistlab prints; `notebook.py` shows progress in a notebook. Text from outside
passes `one_line` here, so that it can neither send escape sequences to the terminal nor add lines.
"""

import json
import os
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from mnistlab.store.json_fields import as_json
from mnistlab.support import text_format
from mnistlab.support.paths import as_argument, as_typed
from mnistlab.support.safe_text import one_line
from mnistlab.terminal.colour import coloured
from mnistlab.terminal.tables import Rows, table
from mnistlab.terminal.width import columns_of, terminal_width, wrapped


def print_line(text: str) -> None:
    """Print one line on stdout; a narrow terminal gets several, broken between words."""
    for line in wrapped(one_line(text), terminal_width(sys.stdout)):
        print(line)


def print_note(text: str) -> None:
    """Print one line on stderr at once; a narrow terminal gets several, broken between words.

    A failing note must not end the work: if stderr cannot be written to, such as a redirection to a
    full disk, this note and all later ones are dropped.
    """
    _write_note("\n".join(wrapped(one_line(text), terminal_width(sys.stderr))))


def print_status(*parts: str) -> None:
    """Print a note with its statuses in colour; the parts are on a line each if they do not fit
    into one.
    """
    width = terminal_width(sys.stderr)
    whole = one_line(" ".join(parts))
    texts = [whole] if width is None or columns_of(whole) <= width else map(one_line, parts)
    lines = [line for text in texts for line in wrapped(text, width)]
    _write_note(coloured("\n".join(lines), sys.stderr))


def _write_note(text: str) -> None:
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        drop("stderr")


def print_findings(sentences: Iterable[str]) -> None:
    """Print the findings of a run or sweep, one paragraph each."""
    for sentence in sentences:
        print_note(f"- {sentence}")


def print_how_to_resume(number: int, kept: str, folder: Path) -> None:
    """Print the signal that stopped the work, what is kept, and the command that resumes it."""
    print_note(f"stopped by {signal.Signals(number).name}; {kept}. To resume:")
    print_note(f"  mnistlab resume {as_argument(folder)}")


def drop(stream: Literal["stdout", "stderr"]) -> None:
    """Write nothing more to a stream that cannot be written to."""
    setattr(sys, stream, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115


@contextmanager
def told_before_the_end(number: int | None) -> Iterator[None]:
    """Print a result; after a signal, a terminal that is closed leaves the exit code as it is."""
    try:
        yield
        sys.stdout.flush()
    except OSError:
        if number is None:
            raise
        drop("stdout")


def open_closed_streams() -> None:
    """Let a command run even if its caller has closed stdout or stderr (`>&-`)."""
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
    is_shown = sys.stdout.isatty()
    print("\n".join(map(one_line, text.split("\n"))) if is_shown else text)


def print_path(path: Path) -> None:
    """Print a path for another program; on a terminal as the user types it, so that it fits."""
    print_result(str(as_typed(path) if sys.stdout.isatty() else path))


def print_json(document: Any) -> None:
    """Print one JSON document of records and arrays; NaN is null, paths are absolute."""
    plain = as_json(document)
    print(json.dumps(plain, indent=2, allow_nan=False, default=lambda path: str(path.absolute())))


def metric_value(metric: str, value: float | None, std: float | None = None) -> str:
    """A metric as `text_format.metric` writes it; `-` if it was not measured."""
    return "-" if value is None else text_format.metric(metric, value, std)


def print_table(
    rows: Rows,
    right: Iterable[int] = (),
    *,
    status: int | None = None,
    on_stderr: bool = False,
    **options: Any,
) -> None:
    """Print a table that fits the terminal; `status` is the index of the column of statuses.

    `options` are those of `tables.table`.
    """
    stream = sys.stderr if on_stderr else sys.stdout

    def paint(column: int, cell: str) -> str:
        return coloured(cell, stream) if column == status else cell

    text = table(rows, right, terminal_width(stream), paint=paint, **options)
    _write_note(text) if on_stderr else print(text)


def table_text(rows: Rows, right: Iterable[int] = (), **options: Any) -> str:
    """A table that fits the terminal behind stdout, as text; `options` as of `print_table`."""
    return table(rows, right, terminal_width(sys.stdout), **options)
