"""What a run tells whoever watches it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from mnistlab.store.metrics import MetricsRow
from mnistlab.store.run_record import RunRecord, Seconds
from mnistlab.store.status import Status
from mnistlab.support.metric_names import SPLIT_METRICS


@dataclass(frozen=True)
class Start:
    """A run about to train: where it is kept, and how much there is to do."""

    run_dir: Path
    epochs: int
    steps: int
    steps_per_epoch: int
    evaluates_by_step: bool  # not once an epoch


@dataclass(frozen=True)
class RunProgress:
    """A run under way. The loss and accuracy are means over the steps since the last row."""

    epoch: int
    step: int
    images: int  # trained on so far, repeats counted
    seconds: float  # of training alone
    loss: float
    accuracy: float


class RunCallback:
    """Watches a run; every method may be left out."""

    def on_message(self, text: str) -> None:
        """A line for people: what takes long, what went wrong."""

    def on_start(self, start: Start) -> None:
        """Training is about to begin."""

    def on_progress(self, progress: RunProgress) -> None:
        """Some steps are done; called several times a second."""

    def on_row(self, row: MetricsRow) -> None:
        """An evaluation is done, and its row written."""


@dataclass(frozen=True)
class RunResult:
    """A run that has ended: its folder, how it ended, its final metrics."""

    run_dir: Path
    status: Status  # finished, stopped_early, diverged, interrupted
    epochs: int  # whole ones
    steps: int
    metrics: dict[str, float | None]
    seconds: Seconds
    advice: str | None = None  # what to try, where it diverged
    signal: int | None = None  # which stopped it, where it was interrupted
    already_ended: bool = False  # of a resumed run: there was nothing left to do

    @classmethod
    def of(cls, run_dir: Path, record: RunRecord, **more: Any) -> Self:
        """What a run.json tells, and the fields that it does not have."""
        return cls(
            run_dir=run_dir,
            status=record.status,
            epochs=record.epochs,
            steps=record.steps,
            metrics={name: record.metrics.get(name) for name in SPLIT_METRICS},
            seconds=record.seconds,
            advice=record.reason,
            **more,
        )
