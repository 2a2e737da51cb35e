"""The progress of kernels that are compiled in advance: a bar on a terminal, else lines."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mnistlab.terminal.output import print_note
from mnistlab.terminal.progress import bar, on_terminal

LINES = 10  # at most, if there is no bar

Progress = Callable[[int, int], None]  # the number of compiled kernels, and their total


@contextmanager
def watch_compiling(*, quiet: bool) -> Iterator[Progress]:
    """The display of the progress; it may be called from any thread."""
    if quiet:
        yield lambda done, total: None
    elif on_terminal():
        with _bar() as progress:
            yield progress
    else:
        yield _line


@contextmanager
def _bar() -> Iterator[Progress]:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    shown = bar(
        TextColumn("compiling"),
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


def _line(done: int, total: int) -> None:
    """A line for each tenth of the kernels."""
    if done * LINES // total > (done - 1) * LINES // total or done == 0:
        print_note(f"compiled {done} of {total} kernels")
