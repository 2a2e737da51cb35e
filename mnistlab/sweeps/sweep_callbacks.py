"""The callbacks of a sweep, and its result."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnistlab.store.status import Status
from mnistlab.sweeps.ranking import Ranked
from mnistlab.sweeps.results import TrialRow


@dataclass(frozen=True)
class SweepProgress:
    """A sweep in progress. `total` grows if later stages have more trials than expected."""

    total: int
    done: int  # ended in any way, including those that had ended before
    running: int
    share: float  # of running trials: the sum of their completed shares
    diverged: int
    failed: int
    metrics: tuple[str, ...]  # that rank the trials
    best: float | None  # the best value so far of the first
    seconds_left: float | None  # None: no estimate yet


class SweepCallback:
    """Receives a sweep's events; every method is optional."""

    def on_start(self, sweep_dir: Path) -> None:
        """The sweep's folder exists, and its trials are about to be run."""

    def on_message(self, text: str) -> None:
        """A message for people."""

    def on_warning(self, text: str) -> None:
        """A warning for people."""

    def on_progress(self, progress: SweepProgress) -> None:
        """Called several times a second."""

    def on_begin(self, row: TrialRow) -> None:
        """A trial is given to a worker; a trial whose worker died is, too, once more."""

    def on_trial(self, row: TrialRow, took: float, progress: SweepProgress) -> None:
        """A trial has ended; `took` is its duration in seconds."""


@dataclass(frozen=True)
class Best:
    """The best trial of a sweep."""

    run_dir: Path
    parameters: dict[str, Any]
    metrics: dict[str, float | None]


@dataclass(frozen=True)
class SweepResult:
    """A sweep that has ended or was interrupted."""

    sweep_dir: Path
    status: Status  # finished, interrupted
    metrics: tuple[str, ...]  # that rank the trials
    trials: dict[str, int]  # the numbers of finished, diverged and failed trials
    rankings: tuple[tuple[str | None, tuple[Ranked, ...]], ...]  # of each stage
    refits: tuple[tuple[str, Ranked], ...]  # stages' winners on training + validation, tested
    best: Best | None
    failures: tuple[TrialRow, ...] = ()
    left: int = 0  # trials still to be run
    signal: int | None = None  # that interrupted it
    already_ended: bool = False
