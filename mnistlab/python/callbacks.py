"""Callbacks: the user's own code, called during training."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from mnistlab.experiment.callbacks import RunCallback, Start
from mnistlab.python.run import Run
from mnistlab.store.metrics import MetricsRow
from mnistlab.sweeps.results import TrialRow
from mnistlab.sweeps.sweep_callbacks import SweepCallback, SweepProgress


class Callback:
    """Receives a training's events; every method is optional.

    An exception ends the training: the run's folder records that it failed, and why, and the
    exception is raised to the caller. A KeyboardInterrupt stops the run like Ctrl-C, so that it can
    be resumed.
    """

    def on_start(self, run: Run) -> None:
        """Training is about to begin; the run's folder exists."""

    def on_epoch_end(self, run: Run, row: MetricsRow) -> None:
        """An epoch is done, and its row of metrics.csv is written; `row.val_accuracy` and so on.

        If `training.evaluate_every` is a number of steps: after that many steps.
        """

    def on_end(self, run: Run) -> None:
        """The run has ended and its figures are drawn; `run.status` is its status."""

    def on_trial_end(self, run: Run, row: TrialRow) -> None:
        """A trial of a sweep has ended; `row.parameters`, `row.metrics` and `row.status`."""


def checked(callbacks: Sequence[Callback]) -> tuple[Callback, ...]:
    """The callbacks; raises TypeError for any other object, before training."""
    if not isinstance(callbacks, Iterable):
        raise TypeError(f"callbacks: found {callbacks!r}, must be a list of mnistlab.Callback")
    for callback in callbacks:
        if not isinstance(callback, Callback):
            raise TypeError(f"callbacks: found {callback!r}, must be a mnistlab.Callback each")
    return tuple(callbacks)


class RunListener(RunCallback):
    """Forwards a run's events to the user's callbacks."""

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
    """Forwards the ends of trials to the user's callbacks."""

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
