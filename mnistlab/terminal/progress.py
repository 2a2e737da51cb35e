"""Progress of long work: on stderr a bar on a terminal, plain lines elsewhere; in a notebook a line
below the cell.
"""

import os
import sys
from contextlib import AbstractContextManager, closing, nullcontext
from typing import TYPE_CHECKING, Any, TextIO, cast

from mnistlab.experiment.callbacks import RunCallback, RunProgress, Start
from mnistlab.store.metrics import MetricsRow
from mnistlab.support.safe_text import one_line
from mnistlab.support.text_format import human_bytes, number, percent
from mnistlab.terminal.epoch_table import EpochTable
from mnistlab.terminal.notebook import DownloadBlock, RunBlock, in_notebook
from mnistlab.terminal.output import print_note
from mnistlab.terminal.width import terminal_width, that_fit, wrapped

if TYPE_CHECKING:
    from mnistlab.data import DownloadProgress

SHORTEST_BAR = 10  # columns; metrics that do not fit beside it are left out


def watch_run(*, quiet: bool) -> AbstractContextManager[RunCallback]:
    """The display of a run's progress: nothing, lines, or lines above a bar."""
    if quiet:
        return nullcontext(RunCallback())
    if in_notebook():
        return closing(RunBlock())
    return closing(RunBar() if on_terminal() else RunLines())


def watch_messages(*, quiet: bool) -> RunCallback:
    """The display of a command's messages, without progress."""
    if quiet:
        return RunCallback()
    return RunBlock() if in_notebook() else RunLines()


def watch_download(*, quiet: bool) -> "AbstractContextManager[DownloadProgress | None]":
    """The display of a download's progress; the bar is removed at the end, also after an error."""
    if quiet:
        return nullcontext()
    if in_notebook():
        return closing(DownloadBlock())
    return closing(DownloadBar() if on_terminal() else DownloadLines())


def on_terminal() -> bool:
    """Whether stderr can show a bar."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


class RunLines(RunCallback):
    """A row of a table for each evaluation, a line for each message."""

    def __init__(self) -> None:
        self.start: Start | None = None
        self.table = EpochTable(None, terminal_width(sys.stderr))

    def on_message(self, text: str) -> None:
        print_note(text)

    def on_start(self, start: Start) -> None:
        self.start = start
        self.table = EpochTable(start, self.table.width)

    def on_row(self, row: MetricsRow) -> None:
        for line in self.table.lines(row):
            self.on_message(line)

    def close(self) -> None:
        """Nothing to clean up."""


class RunBar(RunLines):
    """A bar over all steps, with loss, accuracy, speed and time left; lines go above it."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

        super().__init__()
        self.bar = bar(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(compact=True),
            TextColumn("left"),
        )

    def on_message(self, text: str) -> None:
        print_above(self.bar, text)

    def on_start(self, start: Start) -> None:
        super().on_start(start)
        self.task = self.bar.add_task("", total=start.steps, epoch=f"0/{start.epochs}", figures="")
        self.bar.start()

    def on_progress(self, progress: RunProgress) -> None:
        if self.start is None:
            return
        speed = progress.images / progress.seconds if progress.seconds > 0 else 0.0
        loss, accuracy = number(progress.loss), percent(progress.accuracy)
        epoch = f"{progress.epoch}/{self.start.epochs}"
        figures = [f"loss {loss}", f"acc {accuracy}", f"{speed:,.0f} images/s"]
        taken = len(f"epoch {epoch}   00:00 left") + SHORTEST_BAR
        shown = that_fit(figures, self.bar.console.width - taken)
        self.bar.update(self.task, completed=progress.step, epoch=epoch, figures=shown)

    def on_row(self, row: MetricsRow) -> None:
        super().on_row(row)
        if self.start is not None:  # short epochs have no other progress
            epoch = f"{row.epoch}/{self.start.epochs}"
            self.bar.update(self.task, completed=row.step, epoch=epoch)

    def close(self) -> None:
        self.bar.stop()


class DownloadLines:
    """A line for each file that a download begins."""

    def __init__(self) -> None:
        self.total = 0
        self.received = 0

    def reset(self) -> None:
        self.total = self.received = 0

    def update(self, n: int) -> None:
        if not self.received:
            size = f" {human_bytes(self.total)}" if self.total else ""
            print_note(f"downloading{size} ...")
        self.received += n

    def close(self) -> None:
        """Nothing to clean up."""


class DownloadBar:
    """A bar for each file that a download begins."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn

        self.total = 0
        self.bar = bar(
            TextColumn("downloading"),
            BarColumn(bar_width=None),
            DownloadColumn(),
            TimeRemainingColumn(compact=True),
            TextColumn("left"),
        )

    def reset(self) -> None:
        for task in self.bar.task_ids:
            self.bar.remove_task(task)
        self.total = 0
        self.task = self.bar.add_task("", total=None)
        self.bar.start()

    def update(self, n: int) -> None:
        self.bar.update(self.task, advance=n, total=self.total or None)

    def close(self) -> None:
        self.bar.stop()


def print_above(bar: Any, text: str) -> None:
    """Print a line above a bar, broken between words; brackets in it are not markup."""
    for line in wrapped(one_line(text), bar.console.width):
        bar.console.print(line, markup=False, highlight=False, soft_wrap=True)


def bar(*columns: Any) -> Any:
    """A bar on stderr that is removed when the work is done."""
    from rich.console import Console
    from rich.progress import Progress as RichProgress

    from mnistlab.terminal.lasting_stream import LastingStream

    console = Console(file=cast(TextIO, LastingStream(sys.stderr)))
    return RichProgress(
        *columns, console=console, expand=True, transient=True, redirect_stdout=False
    )
