"""The progress of work that is counted, as kernels that are compiled: a bar on a terminal, else
lines.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mnistlab.terminal.output import print_note
from mnistlab.terminal.progress import bar, on_terminal

LINES = 10  # at most, if there is no bar

Progress = Callable[[int, int], None]  # the number of parts that are done, and their total


@contextmanager
def watch_count(doing: str, done: str, *, quiet: bool) -> Iterator[Progress]:
    """The display of the progress; it may be called from any thread. `doing` stands before the bar,
    "compiling"; `done` is a line in its place, "compiled {done} of {total} kernels".
    """
    if quiet:
        yield lambda count, total: None
    elif on_terminal():
        with _bar(doing) as progress:
            yield progress
    else:
        yield _lines(done)


@contextmanager
def _bar(doing: str) -> Iterator[Progress]:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    shown = bar(
        TextColumn(doing),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("left"),
    )
    task = shown.add_task("", total=None)

    def progress(done: int, total: int) -> None:
        shown.update(task, completed=done, total=total)
        shown.start()

    try:
        yield progress
    finally:
        shown.stop()


def _lines(text: str) -> Progress:
    """A line for each tenth of the work."""
    told = -1

    def progress(done: int, total: int) -> None:
        nonlocal told
        if (tenths := done * LINES // total) > told:
            told = tenths
            print_note(text.format(done=done, total=total))

    return progress
