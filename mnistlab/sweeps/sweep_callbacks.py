"""What a sweep tells whoever watches it, and what it ends with."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnistlab.store.status import Status
from mnistlab.sweeps.ranking import Ranked
from mnistlab.sweeps.results import TrialRow


@dataclass(frozen=True)
class SweepProgress:
    """A sweep under way. `total` grows where later stages turn out to have other trials."""

    total: int
    done: int  # ended in any way, those found ended included
    running: int
    share: float  # of those running: how much of a trial is done in all
    diverged: int
    failed: int
    metric: str  # that trials are judged by
    best: float | None  # its best value so far
    seconds_left: float | None  # None: nothing to judge by yet


class SweepCallback:
    """Watches a sweep; every method may be left out."""

    def on_start(self, sweep_dir: Path) -> None:
        """The sweep's folder is there, and its trials are about to be run."""

    def on_message(self, text: str) -> None:
        """A line for people."""

    def on_warning(self, text: str) -> None:
        """Something that people should know of."""

    def on_progress(self, progress: SweepProgress) -> None:
        """Called several times a second."""

    def on_trial(self, row: TrialRow, took: float, progress: SweepProgress) -> None:
        """A trial has ended, which took so many seconds."""


@dataclass(frozen=True)
class Best:
    """The trial that the sweep has chosen."""

    run_dir: Path
    parameters: dict[str, Any]
    metrics: dict[str, float | None]


@dataclass(frozen=True)
class SweepResult:
    """A sweep that has ended, or was interrupted."""

    sweep_dir: Path
    status: Status  # finished, interrupted
    metric: str  # that trials are judged by
    trials: dict[str, int]  # how many are finished, diverged, failed
    rankings: tuple[tuple[str | None, tuple[Ranked, ...]], ...]  # of each stage
    refits: tuple[tuple[str, Ranked], ...]  # stages' winners on training + validation, tested
    best: Best | None
    failures: tuple[TrialRow, ...] = ()
    left: int = 0  # trials still to be run
    signal: int | None = None  # which interrupted it
    already_ended: bool = False
