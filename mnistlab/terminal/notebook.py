"""Progress in a notebook: a block of text below the cell, whose last line is updated.

It is plain text, which looks right in light and dark themes, in a notebook that is executed without
a browser, and where a notebook is shown without being trusted.
"""

import sys
import time
from typing import Any

from mnistlab.experiment.callbacks import RunCallback, RunProgress, Start
from mnistlab.store.metrics import MetricsRow
from mnistlab.support.metric_names import PARTS
from mnistlab.support.safe_text import one_line
from mnistlab.support.text_format import human_bytes, number, percent, seconds
from mnistlab.terminal.width import that_fit

WIDTH, BAR = 96, 20  # characters of a line, and of the bar in it
PAUSE = 0.1  # seconds, at least, between two updates: each is a message to the browser


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return getattr(shell, "kernel", None) is not None


class Block:
    """Lines below a cell; the last one can be replaced."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._last = ""
        self._shown = ""
        self._shown_at = 0.0
        self._display: Any = None

    def add(self, text: str) -> None:
        """Show a line that stays, above the last one."""
        self._lines.append(one_line(text))
        self.show()

    def replace(self, text: str) -> None:
        """Replace the last line; it is shown at once, or with a later one if they come quickly."""
        self._last = text
        if time.monotonic() >= self._shown_at + PAUSE:
            self.show()

    def show(self) -> None:
        """Show all lines as they are now."""
        from IPython.display import display

        text = "\n".join([*self._lines, *([self._last] if self._last else [])])
        if text == self._shown:
            return
        content = {"text/plain": text}
        if self._display is None:
            self._display = display(content, raw=True, display_id=True)
        else:
            self._display.update(content, raw=True)
        self._shown, self._shown_at = text, time.monotonic()


def bar(share: float) -> str:
    """A bar of text that is filled to this share."""
    done = round(BAR * min(max(share, 0.0), 1.0))
    return "━" * done + "─" * (BAR - done)


class RunBlock(RunCallback):
    """A run's messages, and a line that tells how far it is and its last evaluation."""

    def __init__(self) -> None:
        self.block = Block()
        self.start: Start | None = None
        self.row: MetricsRow | None = None
        self.began: tuple[float, int] | None = None  # the time and the step at the first progress

    def on_message(self, text: str) -> None:
        self.block.add(text)

    def on_start(self, start: Start) -> None:
        self.start = start
        self.block.replace(self._line(start, 0, 0, []))

    def on_progress(self, progress: RunProgress) -> None:
        if self.start is None:
            return
        told = [f"loss {number(progress.loss)}", f"acc {percent(progress.accuracy)}"]
        told = told if self.row is None else _figures(self.row)
        if left := self._left(self.start, progress.step):
            told = [left, *told]
        self.block.replace(self._line(self.start, progress.epoch, progress.step, told))

    def on_row(self, row: MetricsRow) -> None:
        self.row = row
        if self.start is not None:
            told = [*([] if row.seconds is None else [seconds(row.seconds)]), *_figures(row)]
            self.block.replace(self._line(self.start, row.epoch, row.step, told))

    def close(self) -> None:
        self.block.show()

    def _line(self, start: Start, epoch: int, step: int, told: list[str]) -> str:
        done = f"epoch {epoch}/{start.epochs}" if start.epochs else f"step {step}/{start.steps}"
        head = f"{done} {bar(step / start.steps)}"
        return f"{head}  {that_fit(told, WIDTH - len(head) - 2)}".rstrip()

    def _left(self, start: Start, step: int) -> str:
        """The time left at the speed so far; empty at the first progress."""
        if self.began is None:
            self.began = time.monotonic(), step
        since, first = self.began
        if step <= first:
            return ""
        left = round((time.monotonic() - since) / (step - first) * (start.steps - step))
        return f"{left // 60}:{left % 60:02d} left"


def _figures(row: MetricsRow) -> list[str]:
    """What an evaluation measured, the accuracies first."""
    accuracies = ((part.prefix, "acc", getattr(row, part.accuracy), percent) for part in PARTS)
    losses = ((part.prefix, "loss", getattr(row, part.loss), number) for part in PARTS)
    return [
        f"{prefix} {what} {written(value)}"
        for prefix, what, value, written in (*reversed(list(accuracies)), *reversed(list(losses)))
        if value is not None
    ]


class DownloadBlock:
    """A line that tells how much of a file is downloaded."""

    def __init__(self) -> None:
        self.block = Block()
        self.total = 0
        self.received = 0

    def reset(self) -> None:
        self.total = self.received = 0

    def update(self, n: int) -> None:
        self.received += n
        text = f"downloading {human_bytes(self.received)}"
        if self.total:
            text += f" of {human_bytes(self.total)} {bar(self.received / self.total)}"
        self.block.replace(text)

    def close(self) -> None:
        """Show the last size; nothing, if there was no download."""
        self.block.show()
