"""The progress of a sweep: on stderr one bar for the sweep, or a line per trial; in a notebook a
line below the cell.
"""

from contextlib import AbstractContextManager, closing
from dataclasses import replace
from typing import TYPE_CHECKING

from mnistlab.config.dump import setting_as_yaml
from mnistlab.support.metric_names import TEST
from mnistlab.support.text_format import seconds, short_keys
from mnistlab.sweeps.sweep_callbacks import SweepCallback, SweepProgress
from mnistlab.terminal.notebook import WIDTH, Block, in_notebook
from mnistlab.terminal.notebook import bar as text_bar
from mnistlab.terminal.output import metric_value, print_note
from mnistlab.terminal.progress import SHORTEST_BAR, bar, on_terminal, print_above
from mnistlab.terminal.tables import shortened
from mnistlab.terminal.width import that_fit

if TYPE_CHECKING:
    from mnistlab.sweeps.results import TrialRow

# Of a whole model, both ends identify it; its line stays a line.
LONGEST_VALUE = 32


def watch_sweep(*, quiet: bool) -> AbstractContextManager[SweepCallback]:
    """The display of a sweep's progress: only warnings, lines, or lines above a bar."""
    if in_notebook():
        return closing(QuietSweepBlock() if quiet else SweepBlock())
    return closing(QuietSweep() if quiet else SweepBar() if on_terminal() else SweepLines())


class QuietSweep(SweepCallback):
    """Only warnings."""

    def on_warning(self, text: str) -> None:
        self._print(f"warning: {text}")

    def _print(self, text: str) -> None:
        print_note(text)

    def close(self) -> None:
        """Nothing to clean up."""


class SweepLines(QuietSweep):
    """A line for each trial and each message."""

    told = 0

    def on_message(self, text: str) -> None:
        self._print(text)

    def on_trial(self, row: "TrialRow", took: float, progress: SweepProgress) -> None:
        # A refit has no validation images; its metric is the test's.
        metrics = progress.metrics
        if row.metrics.get(metrics[0]) is None:
            metrics = (TEST.accuracy,)
        short = short_keys(row.parameters)
        values = [
            f"{short[key]}={shortened(setting_as_yaml(row.parameters, key), LONGEST_VALUE)}"
            for key in short
        ]
        figures = [f"{name} {metric_value(name, row.metrics.get(name))}" for name in metrics]
        if not row.status.finished:
            figures = [row.status]
        done = f"{progress.done:>{len(str(progress.total))}}/{progress.total}"
        stage = [" ".join(row.stages)] if row.stages else []
        place = f"trial {row.trial}"
        self._print("  ".join([done, place, *stage, *values, *figures, seconds(took)]))
        self._outlook(progress)

    def _outlook(self, progress: SweepProgress) -> None:
        """Without a bar, after each tenth of the trials, but not after each trial: the best so far,
        and the time left.
        """
        if progress.done < self.told + max(2, progress.total // 10):
            return
        self.told = progress.done
        told = _outlook(progress)
        if progress.done < progress.total and told:
            self._print(f"   {'  '.join(told)}")


class SweepBar(SweepLines):
    """A bar over all trials: done, running, diverged, the best so far, time left."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, TextColumn

        self.bar = bar(
            TextColumn("{task.fields[trials]}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[figures]}"),
        )
        self.task = self.bar.add_task("", total=None, trials="", figures="")

    def _outlook(self, progress: SweepProgress) -> None:
        """The bar shows it."""

    def _print(self, text: str) -> None:
        print_above(self.bar, text)

    def on_progress(self, progress: SweepProgress) -> None:
        trials = f"{progress.done}/{progress.total} trials"
        parts = [f"{progress.running} running", *_outlook(progress)]
        room = self.bar.console.width - len(trials) - SHORTEST_BAR - len("  ")
        self.bar.update(
            self.task,
            total=progress.total,
            completed=progress.done + progress.share,
            trials=trials,
            figures=that_fit(parts, room, least_first=True),
        )
        self.bar.start()

    def close(self) -> None:
        self.bar.stop()


class QuietSweepBlock(QuietSweep):
    """Only warnings, below the cell of a notebook."""

    def __init__(self) -> None:
        self.block = Block()

    def _print(self, text: str) -> None:
        self.block.add(text)

    def close(self) -> None:
        self.block.show()


class SweepBlock(QuietSweepBlock):
    """Messages, and a line that tells how many trials are done, the best so far, and the time
    left; the trials themselves are in the sweep's table.
    """

    def on_message(self, text: str) -> None:
        self._print(text)

    def on_trial(self, row: "TrialRow", took: float, progress: SweepProgress) -> None:
        self.on_progress(progress)

    def on_progress(self, progress: SweepProgress) -> None:
        share = (progress.done + progress.share) / max(progress.total, 1)
        head = f"{progress.done}/{progress.total} trials {text_bar(share)}"
        if progress.done == progress.total:
            progress = replace(progress, seconds_left=None)
        told = that_fit(_outlook(progress), WIDTH - len(head) - 2, least_first=True)
        self.block.replace(f"{head}  {told}".rstrip())


def _outlook(progress: SweepProgress) -> list[str]:
    """The numbers of diverged and failed trials, the best so far, and the time left."""
    parts = [f"{progress.diverged} diverged"] if progress.diverged else []
    parts += [f"{progress.failed} failed"] if progress.failed else []
    if progress.best is not None:
        parts.append(f"best {metric_value(progress.metrics[0], progress.best)}")
    if progress.seconds_left is not None:
        parts.append(f"{_clock(progress.seconds_left)} left")
    return parts


def _clock(left: float) -> str:
    minutes, rest = divmod(round(left), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes:02d}:{rest:02d}"
