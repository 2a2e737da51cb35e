"""Callbacks: the user's own code, called during training."""

from collections.abc import Sequence
from pathlib import Path

from mnistlab.experiment.callbacks import RunCallback, Start
from mnistlab.python.run import Run
from mnistlab.store.metrics import MetricsRow
from mnistlab.sweeps.results import TrialRow
from mnistlab.sweeps.sweep_callbacks import SweepCallback, SweepProgress


class Callback:
    """Watches a training; every method may be left out.

    An exception ends the training: the run's folder says that it failed, and why, and the exception
    goes on to the caller. A KeyboardInterrupt leaves the run as Ctrl-C would, to be resumed.
    """

    def on_start(self, run: Run) -> None:
        """Training is about to begin; the run's folder is there."""

    def on_epoch_end(self, run: Run, row: MetricsRow) -> None:
        """An epoch is done, and its row of metrics.csv written; `row.val_accuracy` and the like.

        Where `training.evaluate_every` is a number of steps: after so many steps.
        """

    def on_end(self, run: Run) -> None:
        """The run has ended and its figures are drawn; `run.status` says how."""

    def on_trial_end(self, run: Run, row: TrialRow) -> None:
        """A trial of a sweep has ended; `row.parameters`, `row.metrics` and `row.status`."""


def checked(callbacks: Sequence[Callback]) -> tuple[Callback, ...]:
    """The callbacks; raises TypeError for what is none, before anything is trained."""
    for callback in callbacks:
        if not isinstance(callback, Callback):
            raise TypeError(f"callbacks: found {callback!r}, must be a mnistlab.Callback each")
    return tuple(callbacks)


class RunListener(RunCallback):
    """Passes on to a user's callbacks what a run tells."""

    def __init__(self, callbacks: Sequence[Callback], data_dir: Path) -> None:
        self.callbacks = callbacks
        self.data_dir = data_dir
        self.run: Run | None = None

    def on_start(self, start: Start) -> None:
        self.run = Run(start.run_dir, data_dir=self.data_dir)
        for callback in self.callbacks:
            callback.on_start(self.run)

    def on_row(self, row: MetricsRow) -> None:
        assert self.run is not None  # it has started
        for callback in self.callbacks:
            callback.on_epoch_end(self.run, row)


class SweepListener(SweepCallback):
    """Passes on to a user's callbacks which trials have ended."""

    def __init__(self, callbacks: Sequence[Callback], data_dir: Path) -> None:
        self.callbacks = callbacks
        self.data_dir = data_dir
        self.sweep_dir: Path | None = None

    def on_start(self, sweep_dir: Path) -> None:
        self.sweep_dir = sweep_dir

    def on_trial(self, row: TrialRow, took: float, progress: SweepProgress) -> None:
        assert self.sweep_dir is not None  # it has started
        run = Run(self.sweep_dir / row.run_dir, data_dir=self.data_dir)
        for callback in self.callbacks:
            callback.on_trial_end(run, row)
